/** Hexadecimal digits that a double holds exactly. */
const DIGITS = 13;

/**
 * Hexadecimal SHA-256 digests in 8 bytes each, for millions of them. Those that share their first 52 bits are taken for one: of
 * ten million, one other digest in 450 million is found though it isn't there.
 */
export interface DigestSet {
  add(digest: string): void;
  has(digest: string): boolean;
}

export function createDigestSet(): DigestSet {
  let values = new Float64Array(1024);
  let count = 0;
  let isSorted = true;
  return {
    add: (digest) => {
      if (count === values.length) {
        const larger = new Float64Array(2 * count);
        larger.set(values);
        values = larger;
      }
      values[count++] = beginning(digest);
      isSorted = false;
    },
    has: (digest) => {
      if (!isSorted) values.subarray(0, count).sort();
      isSorted = true;
      const wanted = beginning(digest);
      let [from, to] = [0, count];
      while (from < to) {
        const middle = (from + to) >>> 1;
        if (values[middle] < wanted) from = middle + 1;
        else to = middle;
      }
      return from < count && values[from] === wanted;
    },
  };
}

function beginning(digest: string): number {
  return Number.parseInt(digest.slice(0, DIGITS), 16);
}

import { distinct, mix, shingles } from "./shingles.js";

/** Tokens a shingle: some six words of English. */
const WIDTH = 8;
/** Pairs that share half of their shingles or more. */
export const RESEMBLANCE = 0.5;
/** At a resemblance of one half a pair is overlooked once in 200 times, (1 - 0.5^3)^40; above it less. */
const BANDS = 40;
const ROWS = 3;

export interface InSet {
  /** Which set it is of. */
  set: number;
  tokens: Int32Array;
}

/** Two sequences, by their indexes, the first one before the second. */
export interface NearDuplicate {
  first: number;
  second: number;
  /** Shared shingles over all of the two. */
  resemblance: number;
}

/**
 * Sequences that are nearly the same as one before them, in their own set or another: by the resemblance of their shingles
 * (Broder 1997, "On the resemblance and containment of documents"), here of tokens. Candidates share a band of minima (Leskovec,
 * Rajaraman and Ullman, "Mining of Massive Datasets", section 3.4), and are compared in full. Of many that are alike each is
 * paired with the first of its own set and of every set before. No kept library does this: npm's `minhash` is of 2014.
 */
export function nearDuplicates(sequences: readonly InSet[]): NearDuplicate[] {
  const sets = sequences.map(({ tokens }) => distinct(shingles(tokens, WIDTH)));
  const buckets = Array.from({ length: BANDS }, () => new Map<number, Map<number, number>>());
  const found: NearDuplicate[] = [];
  for (const [second, { set }] of sequences.entries()) {
    const candidates = new Set<number>();
    for (const [band, key] of bandKeys(sets[second]).entries()) {
      const bucket = buckets[band].get(key) ?? new Map<number, number>();
      for (const first of bucket.values()) candidates.add(first);
      if (!bucket.has(set)) bucket.set(set, second);
      buckets[band].set(key, bucket);
    }
    for (const first of candidates) {
      const alike = resemblance(sets[first], sets[second]);
      if (alike >= RESEMBLANCE) found.push({ first, second, resemblance: alike });
    }
  }
  return found;
}

/** Shared members over all members of two sets, which are sorted. */
export function resemblance(a: Uint32Array, b: Uint32Array): number {
  let shared = 0;
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) shared++;
    const [x, y] = [a[i], b[j]];
    if (x <= y) i++;
    if (y <= x) j++;
  }
  return shared / Math.max(1, a.length + b.length - shared);
}

const multipliers = Uint32Array.from({ length: BANDS * ROWS }, (_, i) => mix(2 * i + 1) | 1);
const addends = Uint32Array.from({ length: BANDS * ROWS }, (_, i) => mix(2 * i + 2));

/** A hash of each band of minima. */
function bandKeys(members: Uint32Array): Uint32Array {
  const minima = new Uint32Array(BANDS * ROWS).fill(0xffffffff);
  for (const member of members) {
    for (let i = 0; i < minima.length; i++) {
      const value = (Math.imul(member, multipliers[i]) + addends[i]) >>> 0;
      if (value < minima[i]) minima[i] = value;
    }
  }
  return Uint32Array.from({ length: BANDS }, (_, band) =>
    minima.subarray(band * ROWS, (band + 1) * ROWS).reduce((key, minimum) => mix(key ^ minimum), band),
  );
}

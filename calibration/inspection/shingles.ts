/**
 * A 32-bit hash of each run of `width` tokens, in the order of their starts; of a shorter sequence, one of all. Two different
 * runs are taken for the same once in four thousand million.
 */
export function shingles(tokens: Int32Array, width: number): Uint32Array {
  if (tokens.length === 0) return new Uint32Array(0);
  const used = Math.min(width, tokens.length);
  const hashes = new Uint32Array(tokens.length - used + 1);
  for (let start = 0; start < hashes.length; start++) {
    let hash = used;
    for (let i = start; i < start + used; i++) hash = mix(hash ^ mix(tokens[i] + 1));
    hashes[start] = hash;
  }
  return hashes;
}

/** Sorted, each once. */
export function distinct(hashes: Uint32Array): Uint32Array {
  const sorted = Uint32Array.from(hashes).sort();
  return sorted.filter((hash, i) => i === 0 || hash !== sorted[i - 1]);
}

/** The finalizer of MurmurHash3 (Appleby, public domain): each bit of the input changes half of those of the result. */
export function mix(value: number): number {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

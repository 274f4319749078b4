/** Classes of distances between tokens, each of which has biases (Raffel et al. 2020, arXiv 1910.10683, section 2.1). */
export interface PositionBuckets {
  count: number;
  /** Tokens so far apart, and farther ones, share a class. */
  maxDistance: number;
  /** Whether tokens see those after them: half of the classes are for these. */
  bidirectional: boolean;
}

/**
 * The class of a key that stands `distance` tokens after its query, below 0 before it: one a distance up to half of the classes,
 * logarithmic ones beyond. Where a distance is at a boundary, the roundings of transformers' float32 decide.
 */
export function bucketOf(distance: number, { count, maxDistance, bidirectional }: PositionBuckets): number {
  const classes = bidirectional ? Math.floor(count / 2) : count;
  const first = bidirectional && distance > 0 ? classes : 0;
  const size = bidirectional ? Math.abs(distance) : Math.max(0, -distance);
  const exact = Math.floor(classes / 2);
  if (size < exact) return first + size;
  const share = Math.fround(
    Math.fround(Math.log(Math.fround(size / exact))) / Math.fround(Math.log(maxDistance / exact)),
  );
  return first + Math.min(classes - 1, exact + Math.trunc(Math.fround(share * (classes - exact))));
}

/** The classes of keys 0 .. keys - 1 as queries start .. start + size - 1 see them, [size, keys] */
export function bucketRows(start: number, size: number, keys: number, buckets: PositionBuckets): Int32Array {
  const last = start + size - 1;
  const ofDistance = Int32Array.from({ length: last + keys }, (_, i) => bucketOf(i - last, buckets));
  const rows = new Int32Array(size * keys);
  for (let i = 0; i < size; i++) rows.set(ofDistance.subarray(size - 1 - i, size - 1 - i + keys), i * keys);
  return rows;
}

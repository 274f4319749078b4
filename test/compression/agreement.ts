/** How far two values may be apart, as a share of the row's largest magnitude: rounding of a float32 scale, not another code. */
const CLOSE = 1e-3;

/** Share of elements that agree with the expected ones, both row-major with `columns` columns. */
export function agreement(actual: Float32Array, expected: Float32Array, columns: number): number {
  let agreeing = 0;
  for (let start = 0; start < expected.length; start += columns) {
    const bound = CLOSE * expected.subarray(start, start + columns).reduce((max, x) => Math.max(max, Math.abs(x)), 0);
    for (let i = start; i < start + columns; i++) if (Math.abs(actual[i] - expected[i]) <= bound) agreeing++;
  }
  return agreeing / expected.length;
}

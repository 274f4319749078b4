/**
 * Indexes of records, those first of which models are least certain. Each model ranks them by itself, since one may be more certain of
 * all than another; the sum of the ranks decides, and of equal ones the earlier record comes first.
 * @param certainties [model][record]; NaN: not certain at all
 */
export function byCertainty(certainties: readonly Float64Array[]): number[] {
  const indexes = Array.from(certainties[0].keys());
  const sums = indexes.map(() => 0);
  for (const values of certainties) {
    const keys = values.map((value) => (Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value));
    const ranked = indexes.toSorted((a, b) => keys[a] - keys[b] || a - b);
    for (const [rank, index] of ranked.entries()) sums[index] += rank;
  }
  return indexes.sort((a, b) => sums[a] - sums[b] || a - b);
}

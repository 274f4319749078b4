/** How often each token stands in some sequences, by its id. */
export type TokenCounts = ReadonlyMap<number, number>;

export function countTokens(sequences: readonly Int32Array[]): TokenCounts {
  const counts = new Map<number, number>();
  for (const tokens of sequences) for (const id of tokens) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}

/** Share of the vocabulary, without the added tokens, that stands in the text. It grows with the text: compare equal sizes. */
export function vocabularyShare(counts: TokenCounts, vocabSize: number): number {
  return Array.from(counts.keys()).filter((id) => id < vocabSize).length / vocabSize;
}

/**
 * How far two token frequencies are apart: the square root of the Jensen-Shannon divergence to base 2 (Lin 1991, "Divergence
 * measures based on the Shannon entropy"), 0 for the same and 1 where no token is shared. Two samples of one text are some way
 * apart, too.
 */
export function tokenDistance(a: TokenCounts, b: TokenCounts): number {
  const [totalA, totalB] = [total(a), total(b)];
  let divergence = 0;
  for (const [id, count] of a) divergence += half(count / totalA, (b.get(id) ?? 0) / totalB);
  for (const [id, count] of b) divergence += half(count / totalB, (a.get(id) ?? 0) / totalA);
  // Rounding may leave less than nothing.
  return Math.sqrt(Math.min(1, Math.max(0, divergence)));
}

/** What one of two distributions adds for a token: p log2(p / m) / 2, where m is the mean of the two. */
function half(own: number, other: number): number {
  return (own / 2) * Math.log2((2 * own) / (own + other));
}

function total(counts: TokenCounts): number {
  let sum = 0;
  for (const count of counts.values()) sum += count;
  return sum;
}

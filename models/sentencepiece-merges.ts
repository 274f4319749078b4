/**
 * The merges of a SentencePiece BPE vocabulary, first to last: each piece from every two pieces that make it up, the
 * pieces of higher score first. Among the ways to make one piece the order is that of the published LLaMA `tokenizer.json`.
 */
export function mergesByScore(pieces: readonly string[], scores: readonly number[]): [string, string][] {
  const ids = new Map(pieces.map((piece, id) => [piece, id]));
  return pieces
    .flatMap((piece, id) => waysToMake(piece, ids).map((pair) => ({ pair, score: scores[id] })))
    .sort((a, b) => b.score - a.score)
    .map(({ pair }) => pair);
}

function waysToMake(piece: string, ids: ReadonlyMap<string, number>): [string, string][] {
  const characters = Array.from(piece);
  const cuts = Array.from({ length: Math.max(0, characters.length - 1) }, (_, i) => i + 1);
  const pairs = cuts.map((cut): [string, string] => [
    characters.slice(0, cut).join(""),
    characters.slice(cut).join(""),
  ]);
  return pairs
    .filter(([left, right]) => ids.has(left) && ids.has(right))
    .sort(([a, b], [c, d]) => ids.get(a)! - ids.get(c)! || ids.get(b)! - ids.get(d)!);
}

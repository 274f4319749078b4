import { textPerturbation } from "./perturbation.js";
import { isWhitespace, wordPieces } from "./pieces.js";

/** Words are left out, each with the white space before it, or after it at the beginning of the text. */
export const wordDrops = textPerturbation("word_drops", 1, (text, { strength, draw }) => {
  const kept: string[] = [];
  for (const { text: piece, isWord } of wordPieces(text)) {
    const dropped = draw() < strength && isWord;
    if (!dropped) kept.push(piece);
    else if (isWhitespace(kept.at(-1) ?? "")) kept.pop();
  }
  const rest = kept.join("");
  return /^\s/u.test(text) ? rest : rest.trimStart();
});

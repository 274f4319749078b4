import { changePieces, textPerturbation } from "./perturbation.js";
import { graphemesOf, isLetter } from "./pieces.js";

/** Two letters beside each other in a word change places. */
export const swaps = textPerturbation("swaps", 1, (text, chance) => {
  const pieces = wordsOf(graphemesOf(text)).flatMap((word) => pairsOf(word, chance.draw()));
  return changePieces(pieces, chance, (piece) => graphemesOf(piece).toReversed().join(""));
});

/** Runs of letters, and each other character by itself. */
function wordsOf(characters: readonly string[]): string[][] {
  const words: string[][] = [];
  let inWord = false;
  for (const character of characters) {
    if (inWord && isLetter(character)) words.at(-1)?.push(character);
    else words.push([character]);
    inWord = isLetter(character);
  }
  return words;
}

/**
 * Pairs can't overlap, so that a share of the letters moves that is close to the strength. Of an odd number of letters the
 * first or the last is left over.
 */
function pairsOf(word: readonly string[], at: number): string[] {
  const first = word.length % 2 === 1 && at < 0.5 ? 1 : 0;
  const pairs = first === 1 ? [word[0]] : [];
  for (let i = first; i < word.length; i += 2) pairs.push(word.slice(i, i + 2).join(""));
  return pairs;
}

import { changePieces, pick, textPerturbation } from "./perturbation.js";

const MARKS = [",", ".", ";", ":", "!", "?"];

/** A word, which may have marks inside (`don't`, `3.5`), with the mark after it; and whatever else there is. */
const PIECES = /[\p{L}\p{N}\p{M}]+(?:[\p{P}][\p{L}\p{N}\p{M}]+)*[,.;:!?]?|[^\p{L}\p{N}\p{M}]+|\p{M}+/gu;

/** The mark after a word is left out or becomes another; words without one get one. */
export const punctuation = textPerturbation("punctuation", 1, (text, chance) =>
  changePieces(text.match(PIECES) ?? [], chance, (piece, how) => {
    if (!/^[\p{L}\p{N}\p{M}]/u.test(piece)) return piece;
    const mark = MARKS.find((each) => piece.endsWith(each));
    if (mark === undefined) return piece + pick(MARKS, how);
    return piece.slice(0, -1) + pick(["", ...MARKS.filter((other) => other !== mark)], how);
  }),
);

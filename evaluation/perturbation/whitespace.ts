import { changePieces, pick, textPerturbation } from "./perturbation.js";
import { graphemesOf, isWhitespace } from "./pieces.js";

/** White space is left out, doubled, or becomes a tab. */
export const whitespace = textPerturbation("whitespace", 1, (text, chance) =>
  changePieces(graphemesOf(text), chance, (character, how) =>
    isWhitespace(character) ? pick(["", character + character, "\t"], how) : character,
  ),
);

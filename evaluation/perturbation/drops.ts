import { changePieces, textPerturbation } from "./perturbation.js";
import { graphemesOf, isWhitespace } from "./pieces.js";

/** Characters are left out; white space stays. */
export const drops = textPerturbation("drops", 1, (text, chance) =>
  changePieces(graphemesOf(text), chance, (character) => (isWhitespace(character) ? character : "")),
);

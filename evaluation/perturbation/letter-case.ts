import { changePieces, textPerturbation } from "./perturbation.js";
import { graphemesOf } from "./pieces.js";

/** Small letters become capitals, and capitals small. */
export const letterCase = textPerturbation("case", 1, (text, chance) =>
  changePieces(graphemesOf(text), chance, (character) => {
    const capital = character.toUpperCase();
    return capital === character ? character.toLowerCase() : capital;
  }),
);

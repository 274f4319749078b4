import { changePieces, pick, textPerturbation } from "./perturbation.js";
import { graphemesOf } from "./pieces.js";

/** Keys as they lie, each row shifted by half a key against that above. */
const LAYOUTS = [
  ["1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm"],
  ["йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю"],
];

const neighbours: ReadonlyMap<string, readonly string[]> = new Map(LAYOUTS.flatMap(neighboursIn));

/** Of each key those that touch it, at its sides, above and below. */
function neighboursIn(rows: readonly string[]): [string, string[]][] {
  return rows.flatMap((row, y) =>
    Array.from(row, (key, x): [string, string[]] => {
      const above = [rows[y - 1]?.[x], rows[y - 1]?.[x + 1]];
      const below = [rows[y + 1]?.[x - 1], rows[y + 1]?.[x]];
      return [key, [row[x - 1], row[x + 1], ...above, ...below].filter((other) => other !== undefined)];
    }),
  );
}

/** Typing errors: a neighbouring key is hit in place of a letter's or a digit's. Letters keep their case. */
export const typos = textPerturbation("typos", 1, (text, chance) =>
  changePieces(graphemesOf(text), chance, (character, how) => {
    const key = character.toLowerCase();
    const others = neighbours.get(key);
    if (others === undefined) return character;
    const other = pick(others, how);
    return character === key ? other : other.toUpperCase();
  }),
);

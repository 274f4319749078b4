import { distractors } from "./distractors.js";
import { drops } from "./drops.js";
import { letterCase } from "./letter-case.js";
import type { Perturbation } from "./perturbation.js";
import { punctuation } from "./punctuation.js";
import { swaps } from "./swaps.js";
import { typos } from "./typos.js";
import { whitespace } from "./whitespace.js";
import { wordDrops } from "./word-drops.js";

export const perturbations: readonly Perturbation[] = [
  typos,
  drops,
  swaps,
  letterCase,
  whitespace,
  punctuation,
  wordDrops,
  distractors,
];

import type { Perturbation } from "./perturbation.js";

/** An irrelevant sentence stands before the first text; the strength is the share of records that have one. */
export const distractors: Perturbation = {
  name: "distractors",
  version: 1,
  perturb: ([first, ...others], { strength, draw, irrelevantSentence }) => {
    const [place, which] = [draw(), draw()];
    return place < strength ? [`${irrelevantSentence(which)} ${first}`, ...others] : [first, ...others];
  },
};

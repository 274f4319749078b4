import { z } from "zod";
import { defineTask } from "../task.js";
import { framed } from "../template.js";
import { wholeNumber } from "./fields.js";

/** PIQA (Bisk et al. 2020, arXiv 1911.11641). */
export const piqa = defineTask({
  name: "piqa",
  version: 1,
  split: "validation",
  metrics: ["acc", "acc_norm"],
  record: z.object({ goal: z.string(), sol1: z.string(), sol2: z.string(), label: wholeNumber(0, 1) }),
  question: ({ goal, sol1, sol2, label }) => ({
    form: "choices",
    ...framed`Question: ${goal}\nAnswer:`,
    choices: [sol1, sol2],
    gold: label,
  }),
});

import { z } from "zod";
import { defineTask } from "../task.js";
import { framed } from "../template.js";
import { wholeNumber } from "./fields.js";

/** Recognizing Textual Entailment as GLUE has it (Wang et al. 2018, arXiv 1804.07461); label 0 is entailment. */
export const rte = defineTask({
  name: "rte",
  version: 1,
  split: "validation",
  metrics: ["acc"],
  record: z.object({ sentence1: z.string(), sentence2: z.string(), label: wholeNumber(0, 1) }),
  question: ({ sentence1, sentence2, label }) => ({
    form: "choices",
    ...framed`${sentence1}\nQuestion: ${sentence2} True or False?\nAnswer:`,
    choices: ["True", "False"],
    gold: label,
  }),
});

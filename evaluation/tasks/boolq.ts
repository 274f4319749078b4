import { z } from "zod";
import { defineTask } from "../task.js";
import { framed } from "../template.js";
import { wholeNumber } from "./fields.js";

/** BoolQ as SuperGLUE has it (Clark et al. 2019, arXiv 1905.10044). */
export const boolq = defineTask({
  name: "boolq",
  version: 2,
  split: "validation",
  metrics: ["acc"],
  record: z.object({ passage: z.string(), question: z.string(), label: wholeNumber(0, 1) }),
  question: ({ passage, question, label }) => ({
    form: "choices",
    ...framed`${passage}\nQuestion: ${question}?\nAnswer:`,
    choices: ["no", "yes"],
    gold: label,
  }),
});

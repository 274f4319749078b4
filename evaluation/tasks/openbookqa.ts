import { z } from "zod";
import { defineTask } from "../task.js";

/** OpenBookQA, without the book's facts (Mihaylov et al. 2018, arXiv 1809.02789). */
export const openbookqa = defineTask({
  name: "openbookqa",
  version: 1,
  split: "test",
  metrics: ["acc", "acc_norm"],
  record: z
    .object({
      question_stem: z.string(),
      choices: z.object({ text: z.array(z.string()).min(2), label: z.array(z.string()) }),
      answerKey: z.string().transform((key) => key.trimStart()),
    })
    .refine(
      ({ choices }) => choices.text.length === choices.label.length,
      "choices.text and choices.label differ in length",
    )
    .refine(({ choices, answerKey }) => choices.label.includes(answerKey), "answerKey is none of the choices' labels"),
  question: ({ question_stem, choices, answerKey }) => ({
    form: "choices",
    context: question_stem,
    choices: choices.text,
    gold: choices.label.indexOf(answerKey),
  }),
});

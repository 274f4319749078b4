import { z } from "zod";
import { defineTask, type Task } from "../task.js";
import { framed } from "../template.js";

const record = z
  .object({
    question: z.string(),
    choices: z.object({ text: z.array(z.string()).min(2), label: z.array(z.string()) }),
    /** A letter, or a number where the question has numbered choices. */
    answerKey: z.string(),
  })
  .refine(
    ({ choices }) => choices.text.length === choices.label.length,
    "choices.text and choices.label differ in length",
  )
  .refine(({ choices, answerKey }) => choices.label.includes(answerKey), "answerKey is none of the choices' labels");

/** AI2 Reasoning Challenge (Clark et al. 2018, arXiv 1803.05457). */
export function arc(name: "arc_easy" | "arc_challenge"): Task {
  return defineTask({
    name,
    version: 1,
    split: "test",
    metrics: ["acc", "acc_norm"],
    record,
    question: ({ question, choices, answerKey }) => ({
      form: "choices",
      ...framed`Question: ${question}\nAnswer:`,
      choices: choices.text,
      gold: choices.label.indexOf(answerKey),
    }),
  });
}

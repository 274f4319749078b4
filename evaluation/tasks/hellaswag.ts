import { z } from "zod";
import { defineTask } from "../task.js";
import { capitalize, strip } from "../text.js";
import { wholeNumber } from "./fields.js";

/** HellaSwag (Zellers et al. 2019, arXiv 1905.07830). */
export const hellaswag = defineTask({
  name: "hellaswag",
  version: 1,
  split: "validation",
  metrics: ["acc", "acc_norm"],
  record: z
    .object({
      activity_label: z.string(),
      ctx_a: z.string(),
      ctx_b: z.string(),
      endings: z.array(z.string()).min(2),
      label: wholeNumber(0, Number.MAX_SAFE_INTEGER),
    })
    .refine(({ endings, label }) => label < endings.length, "label is none of the endings"),
  question: ({ activity_label, ctx_a, ctx_b, endings, label }) => ({
    form: "choices",
    context: clean(`${activity_label}: ${ctx_a} ${capitalize(ctx_b)}`),
    choices: endings.map(clean),
    gold: label,
  }),
});

/** Drops the marks that WikiHow's articles left in the texts. Double spaces are replaced once: three leave two. */
export function clean(text: string): string {
  return strip(text)
    .replaceAll(" [title]", ". ")
    .replaceAll(/\[[^\n]*?\]/g, "")
    .replaceAll("  ", " ");
}

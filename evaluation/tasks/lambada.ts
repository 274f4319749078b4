import { z } from "zod";
import type { Question } from "../question.js";
import { defineTask, type Task } from "../task.js";

/** LAMBADA (Paperno et al. 2016, arXiv 1606.06031); the openai texts keep the books' case and punctuation. */
export function lambada(
  name: `lambada_${string}`,
  { aliases = [], fewShotSplit = "test" }: { aliases?: readonly string[]; fewShotSplit?: string } = {},
): Task {
  return defineTask({
    name,
    aliases,
    version: 1,
    split: "test",
    fewShotSplit,
    metrics: ["acc", "perplexity"],
    record: z.object({ text: z.string() }),
    question: ({ text }) => lastWord(text),
  });
}

/** The text's last word, between spaces, after all that stands before it. */
export function lastWord(text: string): Question {
  const space = text.lastIndexOf(" ");
  return { form: "completion", context: text.slice(0, Math.max(space, 0)), target: ` ${text.slice(space + 1)}` };
}

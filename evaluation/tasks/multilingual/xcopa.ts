import { z } from "zod";
import { defineTask, type Task } from "../../task.js";
import { strip } from "../../text.js";
import { wholeNumber } from "../fields.js";

/** By language: what joins a premise to its cause, and to its effect. */
const WORDS: Readonly<Record<string, Readonly<Record<"cause" | "effect", string>>>> = {
  et: { cause: "sest", effect: "seetõttu" },
  ht: { cause: "poukisa", effect: "donk sa" },
  id: { cause: "karena", effect: "maka" },
  it: { cause: "perché", effect: "quindi" },
  qu: { cause: "imataq", effect: "chaymi" },
  sw: { cause: "kwa sababu", effect: "kwa hiyo" },
  ta: { cause: "காரணமாக", effect: "எனவே" },
  th: { cause: "เพราะ", effect: "ดังนั้น" },
  tr: { cause: "çünkü", effect: "bu yüzden" },
  vi: { cause: "bởi vì", effect: "vì vậy" },
  zh: { cause: "因为", effect: "所以" },
};

const record = z.object({
  premise: z.string().min(1),
  choice1: z.string().min(1),
  choice2: z.string().min(1),
  question: z.enum(["cause", "effect"]),
  label: wholeNumber(0, 1),
});

/** XCOPA (Ponti et al. 2020, arXiv 2005.00333), each choice as the rest of the premise's sentence. */
export const xcopa: readonly Task[] = Object.entries(WORDS).map(([language, words]) =>
  defineTask({
    name: `xcopa_${language}`,
    version: 1,
    split: "test",
    fewShotSplit: "validation",
    metrics: ["acc"],
    record,
    question: ({ premise, choice1, choice2, question, label }) => {
      const text = withoutLast(strip(premise));
      return {
        form: "choices",
        context: `${text} ${words[question]}`,
        texts: [{ start: 0, end: text.length }],
        choices: [choice1, choice2].map(startLowered),
        gold: label,
      };
    },
  }),
);

/** Without its full stop, whatever character that is. */
function withoutLast(text: string): string {
  return Array.from(text).slice(0, -1).join("");
}

function startLowered(text: string): string {
  const [first, ...rest] = text;
  return first.toLowerCase() + rest.join("");
}

import { z } from "zod";
import { defineTask } from "../task.js";
import { strip } from "../text.js";
import { wholeNumber } from "./fields.js";

/** WinoGrande by partial evaluation: one continuation after each option (Sakaguchi et al. 2019, arXiv 1907.10641). */
export const winogrande = defineTask({
  name: "winogrande",
  version: 1,
  split: "validation",
  metrics: ["acc"],
  record: z.object({
    sentence: z.string().includes("_", "has no _ for the options"),
    option1: z.string(),
    option2: z.string(),
    answer: wholeNumber(1, 2),
  }),
  question: ({ sentence, option1, option2, answer }) => {
    const blank = sentence.indexOf("_");
    return {
      form: "contexts",
      texts: [{ start: 0, end: blank }],
      contexts: [option1, option2].map((option) => sentence.slice(0, blank) + option),
      continuation: strip(sentence.slice(blank + 1)),
      gold: answer - 1,
    };
  },
});

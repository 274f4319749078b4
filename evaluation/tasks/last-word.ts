import { z } from "zod";
import { defineTask } from "../task.js";
import { strip } from "../text.js";
import { lastWord } from "./lambada.js";

/** LAMBADA's form on any texts. */
export const lastWordTask = defineTask({
  name: "last_word",
  version: 1,
  split: "test",
  fewShotSplit: "test",
  metrics: ["acc", "perplexity"],
  record: z.object({ text: z.string().transform(strip).pipe(z.string().includes(" ", "has fewer than two words")) }),
  question: ({ text }) => lastWord(text),
});

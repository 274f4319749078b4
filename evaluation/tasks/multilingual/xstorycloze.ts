import { defineTask, type Task } from "../../task.js";
import { storyQuestion, storyRecord } from "../storycloze.js";

const LANGUAGES = ["ar", "en", "es", "eu", "hi", "id", "my", "ru", "sw", "te", "zh"];

/** XStoryCloze (Lin et al. 2021, arXiv 2112.10668): the Story Cloze Test in eleven languages. */
export const xstorycloze: readonly Task[] = LANGUAGES.map((language) =>
  defineTask({
    name: `xstorycloze_${language}`,
    version: 1,
    split: "eval",
    metrics: ["acc"],
    record: storyRecord,
    question: storyQuestion,
  }),
);

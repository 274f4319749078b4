import { z } from "zod";
import type { Question } from "../question.js";
import { defineTask } from "../task.js";
import { wholeNumber } from "./fields.js";

export const storyRecord = z.object({
  input_sentence_1: z.string(),
  input_sentence_2: z.string(),
  input_sentence_3: z.string(),
  input_sentence_4: z.string(),
  sentence_quiz1: z.string(),
  sentence_quiz2: z.string(),
  answer_right_ending: wholeNumber(1, 2),
});

/** Which of two sentences ends a story of four. */
export function storyQuestion(story: z.output<typeof storyRecord>): Question {
  return {
    form: "choices",
    context: [story.input_sentence_1, story.input_sentence_2, story.input_sentence_3, story.input_sentence_4].join(" "),
    choices: [story.sentence_quiz1, story.sentence_quiz2],
    gold: story.answer_right_ending - 1,
  };
}

/** The Story Cloze Test of 2016 (Mostafazadeh et al. 2016, arXiv 1604.01696). */
export const storycloze = defineTask({
  name: "storycloze_2016",
  aliases: ["storycloze"],
  version: 1,
  split: "test",
  fewShotSplit: "validation",
  metrics: ["acc"],
  record: storyRecord,
  question: storyQuestion,
});

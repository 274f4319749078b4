import { withFewShot } from "./few-shot.js";
import { type Request, requestsOf } from "./question.js";
import { readTaskRecords } from "./records.js";
import type { Task } from "./task.js";

/**
 * What each of a task's records asks a model, as one text: all that could have stood in calibration data. Where examples stand
 * before the questions, they are no part of it.
 * @param limit the first records only; null: all
 * @throws TouchstoneError as `readTaskRecords` and the task's `questions`
 */
export async function recordTexts(dataFolder: string, task: Task, limit: number | null): Promise<string[]> {
  const alone = withFewShot(task, 0);
  const { records, place } = await readTaskRecords(dataFolder, alone);
  const questions = alone.questions(records, place).slice(0, limit ?? undefined);
  return questions.map((question) => requestsOf(question).map(textOf).join("\n"));
}

function textOf({ context, continuation }: Request): string {
  return context + continuation;
}

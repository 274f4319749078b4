import type { StudySpec } from "../study/spec.js";
import { withFewShot } from "./few-shot.js";
import { taskNamed } from "./registry.js";
import type { Task } from "./task.js";

/**
 * A task of a study, under its name in `evaluation.tasks`.
 * @param where which key names it, for the message
 * @throws TouchstoneError as `taskNamed`
 */
export function studyTask({ definitions, numFewshot }: StudySpec["evaluation"], name: string, where?: string): Task {
  return withFewShot(taskNamed(name, definitions, where), numFewshot ?? null);
}

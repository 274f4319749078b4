import type { StudySpec } from "../study/spec.js";
import { withFewShot } from "./few-shot.js";
import { taskNamed } from "./registry.js";
import type { Accuracy, Task } from "./task.js";

/**
 * A task of a study, under its name in `evaluation.tasks`.
 * @param where which key names it, for the message
 * @throws TouchstoneError as `taskNamed`
 */
export function studyTask({ definitions, numFewshot }: StudySpec["evaluation"], name: string, where?: string): Task {
  return withFewShot(taskNamed(name, definitions, where), numFewshot ?? null);
}

/** The accuracy that a study's tables have of a task; undefined where it has none. */
export function tableAccuracy({ tableMetric }: StudySpec["evaluation"], { metrics }: Task): Accuracy | undefined {
  if (tableMetric === "accNorm" && metrics.includes("acc_norm")) return "acc_norm";
  return metrics.includes("acc") ? "acc" : undefined;
}

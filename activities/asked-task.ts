import { askQuestions } from "../evaluation/few-shot.js";
import type { Question } from "../evaluation/question.js";
import { readTaskRecords } from "../evaluation/records.js";
import { type Scored, scoredRecords } from "../evaluation/scored-records.js";
import { studyTask, tableAccuracy } from "../evaluation/study-task.js";
import type { Accuracy, Task } from "../evaluation/task.js";
import type { StudyPlan } from "../study/plan.js";

export interface AskedTask {
  /** As the specification has it; the task's own is the harness's. */
  name: string;
  task: Task;
  /** That the tables show; undefined where the task has none. */
  metric: Accuracy | undefined;
  questions: Scored<Question>;
}

/** The questions that a plan's cells are asked of a task. */
export async function askTask({ spec: { evaluation }, tasks }: StudyPlan, name: string): Promise<AskedTask> {
  const task = studyTask(evaluation, name);
  const all = askQuestions(task, await readTaskRecords(evaluation.data ?? "", task));
  const questions = scoredRecords(all, { limit: evaluation.limit, only: tasks[name].only });
  return { name, task, metric: tableAccuracy(evaluation, task), questions };
}

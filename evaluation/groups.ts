import type { Group } from "./group.js";
import type { Task } from "./task.js";
import { lambadaMultilingual, lambadaMultilingualStablelm } from "./tasks/multilingual/lambada-multilingual.js";
import { xcopa } from "./tasks/multilingual/xcopa.js";
import { xnli } from "./tasks/multilingual/xnli.js";
import { xstorycloze } from "./tasks/multilingual/xstorycloze.js";

/** The harness has a mean for these. */
const withMean = (name: string, tasks: readonly Task[]) => group(name, tasks, [{ metric: "acc", weightBySize: true }]);

/** Tasks in many languages. */
const groups: readonly Group[] = [
  withMean("xnli", xnli),
  withMean("xcopa", xcopa),
  withMean("xstorycloze", xstorycloze),
  // Tags in the harness: names for several tasks, without figures of their own.
  group("lambada_multilingual", lambadaMultilingual, []),
  group("lambada_multilingual_stablelm", lambadaMultilingualStablelm, []),
];

/** The names of the groups that are built in. */
export const groupNames: readonly string[] = groups.map(({ name }) => name);

export function groupNamed(name: string): Group | undefined {
  return groups.find((each) => each.name === name);
}

/** Whether a built-in group stands for the task, among others. */
export function isGrouped(task: string): boolean {
  return groups.some(({ tasks }) => tasks.includes(task));
}

function group(name: string, tasks: readonly Task[], metrics: Group["metrics"]): Group {
  return { name, version: 1, tasks: tasks.map((task) => task.name), metrics };
}

import { TouchstoneError } from "../study/errors.js";
import { nearest } from "../study/parse.js";
import type { Task } from "./task.js";
import { arcChallenge } from "./tasks/arc-challenge.js";
import { arcEasy } from "./tasks/arc-easy.js";
import { boolq } from "./tasks/boolq.js";
import { hellaswag } from "./tasks/hellaswag.js";
import { lambadaOpenai } from "./tasks/lambada-openai.js";
import { lambadaStandard } from "./tasks/lambada-standard.js";
import { lastWordTask } from "./tasks/last-word.js";
import { nextSentence } from "./tasks/next-sentence.js";
import { openbookqa } from "./tasks/openbookqa.js";
import { piqa } from "./tasks/piqa.js";
import { rte } from "./tasks/rte.js";
import { storycloze } from "./tasks/storycloze.js";
import { winogrande } from "./tasks/winogrande.js";

const tasks: readonly Task[] = [
  arcEasy,
  arcChallenge,
  boolq,
  hellaswag,
  openbookqa,
  piqa,
  rte,
  storycloze,
  winogrande,
  lambadaOpenai,
  lambadaStandard,
  lastWordTask,
  nextSentence,
];

const byName = new Map(tasks.flatMap((task) => [task.name, ...task.aliases].map((name) => [name, task])));

/** Every name that is accepted: the harness's, and the shorter ones. */
export const taskNames: readonly string[] = Array.from(byName.keys());

/**
 * @param where which key or option names it, for the message
 * @throws TouchstoneError UnknownTask with the nearest name
 */
export function taskOf(name: string, where?: string): Task {
  const task = byName.get(name);
  if (task !== undefined) return task;
  throw new TouchstoneError("UnknownTask", {
    what: `There is no task "${name}"${nearest(name, taskNames)}`,
    where,
    todo: "Correct the name.",
  });
}

import { TouchstoneError } from "../study/errors.js";
import { nearest } from "../study/parse.js";
import { perturbedTask } from "./perturbation/setting.js";
import type { Task } from "./task.js";
import { arcChallenge } from "./tasks/arc-challenge.js";
import { arcEasy } from "./tasks/arc-easy.js";
import { boolq } from "./tasks/boolq.js";
import { hellaswag } from "./tasks/hellaswag.js";
import { lambadaOpenai } from "./tasks/lambada-openai.js";
import { lambadaStandard } from "./tasks/lambada-standard.js";
import { lastWordTask } from "./tasks/last-word.js";
import { lambadaMultilingual, lambadaMultilingualStablelm } from "./tasks/multilingual/lambada-multilingual.js";
import { xcopa } from "./tasks/multilingual/xcopa.js";
import { xnli } from "./tasks/multilingual/xnli.js";
import { xstorycloze } from "./tasks/multilingual/xstorycloze.js";
import { nextSentence } from "./tasks/next-sentence.js";
import { openbookqa } from "./tasks/openbookqa.js";
import { piqa } from "./tasks/piqa.js";
import { rte } from "./tasks/rte.js";
import { storycloze } from "./tasks/storycloze.js";
import { winogrande } from "./tasks/winogrande.js";
import { yamlTask } from "./yaml/task.js";

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
  ...xnli,
  ...xcopa,
  ...xstorycloze,
  ...lambadaMultilingual,
  ...lambadaMultilingualStablelm,
];

const byName = new Map(tasks.flatMap((task) => [task.name, ...task.aliases].map((name) => [name, task])));

/** Every name that is accepted: the harness's, and the shorter ones. */
export const taskNames: readonly string[] = Array.from(byName.keys());

/** Tasks that a specification brings with it, by name: what their YAML files hold. */
export type TaskDefinitions = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/**
 * The task of that name, as a specification's `evaluation.tasks` and `--tasks` have it once paths are resolved
 * (`resolve-tasks.ts`): one of `definitions`, or one of those that are built in.
 * @param where which key or option names it, for the message
 * @throws TouchstoneError UnknownTask with the nearest name; InvalidTask for a definition that is not understood
 */
export function taskNamed(name: string, definitions: TaskDefinitions = {}, where?: string): Task {
  return perturbedTask(name, where, (clean) =>
    Object.hasOwn(definitions, clean)
      ? yamlTask(definitions[clean], where ?? `task ${clean}`)
      : builtInTask(clean, where),
  );
}

function builtInTask(name: string, where?: string): Task {
  const task = byName.get(name);
  if (task !== undefined) return task;
  throw new TouchstoneError("UnknownTask", {
    what: `There is no task "${name}"${nearest(name, taskNames)}`,
    where,
    todo: "Correct the name.",
  });
}

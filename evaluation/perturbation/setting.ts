import { type ErrorType, TouchstoneError } from "../../study/errors.js";
import { nearest } from "../../study/parse.js";
import { joinTaskName, splitTaskName } from "../../study/task-name.js";
import type { Task } from "../task.js";
import type { PerturbationSetting } from "./perturbation.js";
import { perturbations } from "./registry.js";

/** Each variant costs a scoring of all records. */
const MOST_VARIANTS = 64;

/**
 * The task of a name that may end in a perturbation, as in `piqa@typos:0.1` and `piqa@typos:0.1:worst8`.
 * @param find the task without it
 * @throws TouchstoneError UnknownTask for a perturbation that doesn't exist, with the nearest name, and for one that is not
 *   written in full; what `find` throws
 */
export function perturbedTask(name: string, where: string | undefined, find: (task: string) => Task): Task {
  const { task, perturbation } = splitTaskName(name);
  const clean = find(task);
  if (perturbation === null) return clean;
  const perturbed = parseSetting(perturbation, name, where);
  return { ...clean, name: joinTaskName(clean.name, labelOf(perturbed)), aliases: [], perturbed };
}

function labelOf({ perturbation, strength, variants }: PerturbationSetting): string {
  return `${perturbation.name}:${strength}${variants === 1 ? "" : `:worst${variants}`}`;
}

function parseSetting(text: string, task: string, where?: string): PerturbationSetting {
  const wrong = (what: string, todo: string, type: ErrorType = "UnknownTask") =>
    new TouchstoneError(type, { what: `${task}: ${what}`, where, todo });
  const [name, strengthText, worst, ...more] = text.split(":");
  const perturbation = perturbations.find((each) => each.name === name);
  if (perturbation === undefined) {
    const names = perturbations.map((each) => each.name);
    throw wrong(`there is no perturbation "${name}"${nearest(name, names)}`, "Correct the name.");
  }
  if (strengthText === undefined || strengthText === "") {
    throw wrong(`the strength of ${name} is missing`, `Write how much is changed, such as ${name}:0.1.`);
  }
  const strength = /^(\d+(\.\d*)?|\.\d+)$/.test(strengthText) ? Number(strengthText) : Number.NaN;
  if (!(strength >= 0 && strength <= 1)) {
    throw wrong(`the strength ${strengthText} is not a number from 0 to 1`, `Write it such as ${name}:0.1.`);
  }
  const variants = worst === undefined ? 1 : Number(/^worst(\d+)$/.exec(worst)?.[1]);
  if (more.length > 0 || !(variants >= 1 && variants <= MOST_VARIANTS)) {
    const rest = [worst, ...more].join(":");
    const todo = `Write ${name}:${strengthText}, or ${name}:${strengthText}:worst8 for the hardest of 8 (at most ${MOST_VARIANTS}).`;
    throw wrong(`"${rest}" after the strength is not understood`, todo);
  }
  return { perturbation, strength, variants };
}

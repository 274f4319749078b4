import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { TaskDefinitions } from "../evaluation/registry.js";
import { isTaskName, resolveTasks } from "../evaluation/resolve-tasks.js";
import { isS3 } from "../storage/files.js";
import { homePath } from "../storage/home.js";
import { parseYaml } from "../storage/yaml.js";
import { TouchstoneError } from "../study/errors.js";

/**
 * A study specification from a YAML or JSON file, as plain JSON for `parseStudySpec`: `${VARIABLE}` in texts stands for that
 * environment variable (`${TOUCHSTONE_HOME}` always has a value), and paths to local files are made absolute, since workers
 * may run in another folder.
 * @throws TouchstoneError InvalidStudySpec: no such file, not YAML (with line and column), an unknown variable
 */
export async function loadSpec(file: string): Promise<unknown> {
  const text = await readFile(file, "utf8").catch((cause) => {
    throw new TouchstoneError(
      "InvalidStudySpec",
      {
        what: "There is no such file, or it can't be read",
        where: file,
        todo: "Give the path of a YAML or JSON file.",
      },
      { cause },
    );
  });
  const { value } = parseYaml(text, file, "InvalidStudySpec");
  return withTasks(withAbsolutePaths(expandVariables(value, file, "")));
}

function expandVariables(value: unknown, file: string, key: string): unknown {
  if (typeof value === "string") return value.replace(/\$\{(\w+)\}/g, (_, name: string) => variable(name, file, key));
  if (Array.isArray(value)) return value.map((item, i) => expandVariables(item, file, `${key}[${i}]`));
  if (!isObject(value)) return value;
  const path = (name: string) => (key === "" ? name : `${key}.${name}`);
  return Object.fromEntries(Object.entries(value).map(([k, item]) => [k, expandVariables(item, file, path(k))]));
}

function variable(name: string, file: string, key: string): string {
  const value = name === "TOUCHSTONE_HOME" ? homePath() : process.env[name];
  if (value !== undefined) return value;
  throw new TouchstoneError("InvalidStudySpec", {
    what: `The environment variable ${name} is not set`,
    where: `${file}, key ${key}`,
    todo: "Set it, or write the value itself.",
  });
}

/** Of the wrong shape is left as it is: `parseStudySpec` says so better. */
function withAbsolutePaths(spec: unknown): unknown {
  if (!isObject(spec)) return spec;
  const { models, sources, evaluation } = spec;
  return {
    ...spec,
    ...(models === undefined ? {} : { models: eachWithAbsolute(models, "path") }),
    ...(sources === undefined ? {} : { sources: eachWithAbsolute(eachWithAbsolute(sources, "path"), "sets") }),
    ...(isObject(evaluation) ? { evaluation: withAbsoluteData(evaluation) } : {}),
  };
}

/** With what the tasks' YAML files hold: workers on other machines need not have them. */
async function withTasks(spec: unknown): Promise<unknown> {
  if (!isObject(spec) || !isObject(spec.evaluation)) return spec;
  const { tasks, definitions: given } = spec.evaluation;
  if (!Array.isArray(tasks) || !tasks.every((task) => typeof task === "string") || given !== undefined) return spec;
  // Other names stay as they are: whether there are such tasks is checked with all the rest.
  if (tasks.every(isTaskName)) return spec;
  let definitions: TaskDefinitions = {};
  const names: string[] = [];
  for (const task of tasks) {
    if (isTaskName(task)) {
      names.push(task);
      continue;
    }
    // A file may name what files before it define.
    const selected = await resolveTasks([task], { given: definitions, key: "evaluation.tasks" });
    definitions = selected.definitions;
    names.push(...selected.names);
  }
  return { ...spec, evaluation: { ...spec.evaluation, tasks: names, definitions } };
}

function withAbsoluteData(evaluation: Record<string, unknown>): unknown {
  const { perplexity } = evaluation;
  return {
    ...withAbsolute(evaluation, "data"),
    ...(perplexity === undefined ? {} : { perplexity: eachWithAbsolute(perplexity, "path") }),
  };
}

function eachWithAbsolute(items: unknown, key: string): unknown {
  return Array.isArray(items) ? items.map((item) => (isObject(item) ? withAbsolute(item, key) : item)) : items;
}

/** @param key of a path, or of a list of them */
function withAbsolute(item: Record<string, unknown>, key: string): Record<string, unknown> {
  const value = item[key];
  if (value === undefined) return item;
  return { ...item, [key]: Array.isArray(value) ? value.map(absolute) : absolute(value) };
}

function absolute(path: unknown): unknown {
  return typeof path !== "string" || path === "" || isS3(path) ? path : resolve(path);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

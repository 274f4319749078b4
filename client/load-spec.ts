import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { LineCounter, parseDocument } from "yaml";
import { isS3 } from "../storage/files.js";
import { homePath } from "../storage/home.js";
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
  return withAbsolutePaths(expandVariables(parseYaml(text, file), file, ""));
}

/** JSON is YAML too. */
function parseYaml(text: string, file: string): unknown {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const [error] = document.errors;
  if (error === undefined) return document.toJS();
  const { line, col } = lineCounter.linePos(error.pos[0]);
  throw new TouchstoneError(
    "InvalidStudySpec",
    { what: `This is not YAML: ${error.message}`, where: `${file}, line ${line}, column ${col}`, todo: "Correct it." },
    { cause: error },
  );
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
    ...(sources === undefined ? {} : { sources: eachWithAbsolute(sources, "path") }),
    ...(isObject(evaluation) ? { evaluation: withAbsoluteData(evaluation) } : {}),
  };
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

function withAbsolute(item: Record<string, unknown>, key: string): Record<string, unknown> {
  const path = item[key];
  return typeof path !== "string" || path === "" || isS3(path) ? item : { ...item, [key]: resolve(path) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

import { dirname, resolve } from "node:path";
import { type Document, isPair, isScalar, type LineCounter, visit } from "yaml";
import { isS3, readFile } from "../../storage/files.js";
import { parseYaml } from "../../storage/yaml.js";
import { TouchstoneError } from "../../study/errors.js";

export type Config = Readonly<Record<string, unknown>>;

/** Far more than any hierarchy of tasks; files that include each other would otherwise never end. */
const DEEPEST_INCLUDE = 8;

/**
 * What a YAML file of a task or group says, with what it includes.
 * @param uri local or s3://
 * @throws TouchstoneError InvalidTask: no such file, not YAML (with line and column), Python functions
 */
export async function readConfig(uri: string, depth = 0): Promise<Config> {
  if (depth > DEEPEST_INCLUDE) throw invalid("Files include each other in a circle", uri, "Break the circle.");
  const { value: own, document, lines } = parseYaml(await readText(uri), uri, "InvalidTask");
  refuseTags(document, lines, uri);
  if (!isConfig(own)) throw invalid("The file holds no keys", uri, "A task's file has task, doc_to_text and so on.");
  const { include, ...config } = own;
  if (include === undefined) return config;
  const files = Array.isArray(include) ? include : [include];
  const included: Config[] = [];
  // As in the harness, of several files the first has the last word, and the file itself beats them all.
  for (const file of files.toReversed()) included.push(await readConfig(relativeTo(uri, String(file)), depth + 1));
  return Object.assign({}, ...included, config);
}

/** A path in a file, which is relative to the file's folder. */
export function relativeTo(uri: string, path: string): string {
  if (isS3(path)) return path;
  return isS3(uri) ? new URL(path, uri).href : resolve(dirname(uri), path);
}

export function isConfig(value: unknown): value is Config {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

async function readText(uri: string): Promise<string> {
  try {
    return new TextDecoder().decode(await readFile(uri));
  } catch (cause) {
    if (cause instanceof TouchstoneError && cause.type !== "InvalidData") throw cause;
    throw new TouchstoneError(
      "InvalidTask",
      { what: "There is no such file, or it can't be read", where: uri, todo: "Give the path of a task's YAML file." },
      { cause },
    );
  }
}

/** Tags stand for Python's code, which would otherwise be read as texts. */
function refuseTags(document: Document, lines: LineCounter, uri: string): void {
  visit(document, {
    Node: (_, node, ancestors) => {
      if (node.tag === undefined || !node.tag.startsWith("!")) return;
      const pair = ancestors.findLast(isPair);
      const key = pair !== undefined && isScalar(pair.key) ? `${pair.key.value}: ` : "";
      throw invalid(
        `${key}${node.tag} is code in Python, which is not run here`,
        `${uri}, line ${lines.linePos(node.range?.[0] ?? 0).line}`,
        "Write it as a template, or bring the records into shape before and name their fields.",
      );
    },
  });
}

function invalid(what: string, where: string, todo: string): TouchstoneError {
  return new TouchstoneError("InvalidTask", { what, where, todo });
}

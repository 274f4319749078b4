import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { parse, parseAllDocuments } from "yaml";
import { checkoutFolder } from "../../storage/home.js";
import { taskQueues } from "../../study/names.js";
import { searchAttributes } from "../../study/search-attributes.js";

// What the container's and the clusters' files say of this project is so: options, variables, queues, search attributes.

const infra = join(checkoutFolder, "infra");
const read = (...path: string[]) => readFile(join(checkoutFolder, ...path), "utf8");
const compose = await read("infra", "compose", "compose.yaml");
const names = await readdir(join(infra, "kubernetes"), { recursive: true });
const kubernetes = await Promise.all(
  names.filter((name) => name.endsWith(".yaml")).map((name) => read("infra", "kubernetes", name)),
);
const settings = await read("infra", "kubernetes", "overlays", "cpu", "settings.env");
const documents = [compose, ...kubernetes].flatMap((text) => parseAllDocuments(text, { merge: true }));
const facts = documents.flatMap((document) => [...factsIn(document.toJS())]);

/** Every value of the documents with its key; patches are YAML in YAML. */
function* factsIn(value: unknown, key = ""): Generator<[string, unknown]> {
  yield [key, value];
  if (key === "patch" && typeof value === "string") yield* factsIn(parse(value));
  if (typeof value === "object" && value !== null)
    for (const [name, inner] of Object.entries(value)) yield* factsIn(inner, Array.isArray(value) ? key : name);
}

function values(key: string): unknown[] {
  return facts.filter(([name]) => name === key).map(([, value]) => value);
}

function isWorkerCommand(value: unknown): value is string[] {
  return Array.isArray(value) && value[0] === "worker";
}

test("every worker is started with options and values that `touchstone worker` takes", async () => {
  const commands = facts.map(([, value]) => value).filter(isWorkerCommand);
  assert.ok(commands.length >= 5);
  const program = join(checkoutFolder, "dist", "workers", "main.js");
  const help = async (options: string[]) =>
    (await promisify(execFile)(process.execPath, [program, ...options, "--help"])).stdout;
  const known = await help([]);
  for (const [, ...options] of commands) {
    const given = options.map((option) => option.replace(/\$\{\w+:-(.*?)\}/, "$1"));
    for (const option of given) assert.ok(known.includes(` ${option.split("=")[0]} `), option);
    // Values are checked before help is printed.
    assert.equal(await help(given), known, given.join(" "));
  }
});

test("every variable that a worker gets is one that operators can read of", async () => {
  const known = [...(await read("docs", "operators.md")).matchAll(/`([A-Z][A-Z0-9_]+)(\*)?`/g)];
  const set = (parse(compose, { merge: true }) as { "x-services": object })["x-services"];
  const given = [
    ...Object.keys(set),
    ...settings
      .trim()
      .split("\n")
      .map((line) => line.split("=")[0]),
  ];
  for (const name of given)
    assert.ok(
      known.some(([, word, star]) => (star ? name.startsWith(word) : name === word)),
      name,
    );
});

test("workers are scaled by queues that there are, in the namespace that they work in", () => {
  const scaled = [...values("taskQueue"), ...facts.flatMap(([, value]) => replacedQueue(value))];
  assert.ok(scaled.length >= 4);
  const known = Object.values(taskQueues).flatMap((queue) =>
    typeof queue === "string" ? [queue] : Object.values(queue),
  );
  for (const queue of scaled) assert.ok(known.includes(queue as never), String(queue));
  const namespace = /^TEMPORAL_NAMESPACE=(.*)$/m.exec(settings)?.[1];
  assert.deepEqual([...new Set(values("namespace"))], [namespace]);
});

/** The queue that a patch puts in the place of another. */
function replacedQueue(value: unknown): unknown[] {
  const { path, value: queue } = (value ?? {}) as { path?: unknown; value?: unknown };
  return String(path).endsWith("/taskQueue") ? [queue] : [];
}

test("the Temporal server of the Compose file gets the search attributes that the workflows set", () => {
  for (const [name, type] of Object.entries(searchAttributes))
    assert.ok(compose.includes(`--name ${name} --type ${type}`), name);
});

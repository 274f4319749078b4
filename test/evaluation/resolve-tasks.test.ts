import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { taskNamed } from "../../evaluation/registry.js";
import { isTaskName, resolveTasks } from "../../evaluation/resolve-tasks.js";
import type { TouchstoneError } from "../../study/errors.js";

const fixtures = fileURLToPath(new URL("../../../test/evaluation/tasks", import.meta.url));

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "touchstone-tasks-"));
});
after(() => rm(folder, { recursive: true }));

async function write(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text);
  return join(folder, name);
}

const fails = (type: string, message: RegExp) => (error: TouchstoneError) =>
  error.type === type && message.test(error.message);

test("names stay, a file's path becomes the name of its task, and the file's content goes with it", async () => {
  const { names, definitions, groups } = await resolveTasks(["boolq", join(fixtures, "piqa.yaml")]);
  assert.deepEqual(names, ["boolq", "piqa"]);
  assert.equal(definitions.piqa.dataset_path, "baber/piqa");
  assert.deepEqual(groups, []);
  assert.equal(taskNamed("piqa", definitions).config, definitions.piqa);
  // What was resolved is resolved already.
  assert.deepEqual((await resolveTasks(names, { given: definitions })).names, names);
});

test("a group's tasks are found beside its file, and a perturbation goes to each", async () => {
  const group = join(fixtures, "sciences.yaml");
  const { names, definitions, groups } = await resolveTasks([group]);
  assert.deepEqual(names, ["arc_easy", "openbookqa"]);
  assert.deepEqual(Object.keys(definitions), ["arc_easy", "openbookqa"]);
  assert.deepEqual(groups, [
    {
      ...{ name: "sciences", alias: "questions of science", version: 3, tasks: names },
      metrics: [
        { metric: "acc", weightBySize: true },
        { metric: "acc_norm", weightBySize: false },
      ],
    },
  ]);
  const noisy = await resolveTasks([`${group}@typos:0.1`]);
  assert.deepEqual(noisy.names, ["arc_easy@typos:0.1", "openbookqa@typos:0.1"]);
  assert.deepEqual(noisy.groups[0].tasks, noisy.names);
});

test("groups hold groups, tasks that are built in, and definitions of their own; inner groups come first", async () => {
  const inner = await write("inner.yaml", "group: inner\ntask: [piqa]\n");
  const outer = await write(
    "outer.yaml",
    [
      ...["group: outer", "task:", `  - ${inner}`, "  - boolq", "  - task: mine", "    output_type: loglikelihood"],
      ...["    test_split: test", "    doc_to_text: a", "    doc_to_target: b"],
    ].join("\n"),
  );
  const { names, groups } = await resolveTasks([outer]);
  assert.deepEqual(names, ["piqa", "boolq", "mine"]);
  assert.deepEqual(
    groups.map(({ name, tasks }) => [name, tasks]),
    [
      ["inner", ["piqa"]],
      ["outer", ["inner", "boolq", "mine"]],
    ],
  );
});

test("a task that is named twice, under whatever names, is there once", async () => {
  assert.deepEqual((await resolveTasks(["lambada", "lambada_openai", "piqa"])).names, ["lambada_openai", "piqa"]);
});

test("files are told from tasks' names by their extension", () => {
  assert.ok(isTaskName("piqa"));
  assert.ok(isTaskName("piqa@typos:0.1"));
  assert.ok(!isTaskName("tasks/mine.yaml"));
  assert.ok(!isTaskName("s3://tasks/mine.yml@typos:0.1"));
});

test("Python functions are refused with file, line and key", async () => {
  const file = await write("code.yaml", "task: code\ndoc_to_text: !function utils.text\n");
  await assert.rejects(
    resolveTasks([file]),
    fails("InvalidTask", /doc_to_text: !function is code in Python.*code\.yaml, line 2\)/),
  );
});

test("what is wrong with a file is told with its path", async () => {
  await assert.rejects(resolveTasks([join(folder, "absent.yaml")]), fails("InvalidTask", /no such file.*absent\.yaml/));
  const broken = await write("broken.yaml", "task: [\n");
  await assert.rejects(resolveTasks([broken]), fails("InvalidTask", /not YAML.*broken\.yaml, line 2, column 1/));
  const empty = await write("empty.yaml", "");
  await assert.rejects(resolveTasks([empty]), fails("InvalidTask", /no keys.*empty\.yaml/));
  const unknown = await write("unknown.yaml", "group: mine\ntask: [pica]\n");
  await assert.rejects(
    resolveTasks([unknown]),
    fails("UnknownTask", /"pica" \(did you mean piqa\?\) \(.*unknown\.yaml\)/),
  );
});

test("files and groups in a circle are refused", async () => {
  const one = await write("one.yaml", "include: two.yaml\ntask: one\n");
  await write("two.yaml", "include: one.yaml\n");
  await assert.rejects(resolveTasks([one]), fails("InvalidTask", /include each other in a circle/));
  const group = await write("ring.yaml", "group: ring\ntask: [ring.yaml]\n");
  await assert.rejects(resolveTasks([group]), fails("InvalidTask", /ring is part of itself/));
});

test("two files that define one name are refused", async () => {
  const text = "task: mine\noutput_type: loglikelihood\ntest_split: test\ndoc_to_target: b\ndoc_to_text: ";
  const files = [await write("a.yaml", `${text}a\n`), await write("b.yaml", `${text}b\n`)];
  await assert.rejects(resolveTasks(files), fails("InvalidTask", /mine is defined by another file, too.*b\.yaml/));
});

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { loadSpec } from "../../client/load-spec.js";
import { homePath } from "../../storage/home.js";

const folder = mkdtempSync(join(tmpdir(), "touchstone-specs-"));
after(() => rmSync(folder, { recursive: true, force: true }));

function specFile(text: string, name = "spec.yaml"): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

const variable = (name: string) => `\${${name}}`;

test("YAML and JSON give the same", async () => {
  const value = { name: "a", calibration: { sizes: [1, 2], pack: false }, evaluation: { limit: null } };
  const yaml = specFile("name: a\ncalibration: { sizes: [1, 2], pack: false }\nevaluation: { limit: null }\n");
  assert.deepEqual(await loadSpec(yaml), value);
  assert.deepEqual(await loadSpec(specFile(JSON.stringify(value), "spec.json")), value);
});

test("variables are filled in, and the home is known even where no variable says it", async () => {
  process.env.TOUCHSTONE_TEST_BUCKET = "s3://bucket";
  const file = specFile(
    `models: [{ path: '${variable("TOUCHSTONE_HOME")}/m' }]\nsources: [{ path: '${variable("TOUCHSTONE_TEST_BUCKET")}/x' }]\n`,
  );
  assert.deepEqual(await loadSpec(file), {
    models: [{ path: homePath("m") }],
    sources: [{ path: "s3://bucket/x" }],
  });
});

test("local paths become absolute; addresses, globs' stars and everything else stay", async () => {
  const file = specFile(`
models: [{ id: models, path: models/a }, { path: s3://bucket/model }]
sources: [{ path: "texts/*.jsonl" }, { path: /absolute }, { sets: ["sets/*.arrow", s3://bucket/set.arrow, 3] }]
evaluation: { data: benchmarks, perplexity: [{ id: p, path: text.txt }] }
checkpoints: { prefix: some/where }
`);
  assert.deepEqual(await loadSpec(file), {
    models: [{ id: "models", path: resolve("models/a") }, { path: "s3://bucket/model" }],
    sources: [
      { path: resolve("texts/*.jsonl") },
      { path: "/absolute" },
      { sets: [resolve("sets/*.arrow"), "s3://bucket/set.arrow", 3] },
    ],
    evaluation: { data: resolve("benchmarks"), perplexity: [{ id: "p", path: resolve("text.txt") }] },
    checkpoints: { prefix: "some/where" },
  });
});

test("a task's YAML file is read: its content goes with the specification, under the task's name", async () => {
  const text = "task: mine\noutput_type: loglikelihood\ntest_split: test\ndoc_to_text: a\ndoc_to_target: b\n";
  const file = specFile(text, "mine.yaml");
  const spec = specFile(`evaluation: { tasks: [piqa, "${file}@typos:0.1", picqa] }\n`);
  assert.deepEqual(await loadSpec(spec), {
    evaluation: {
      tasks: ["piqa", "mine@typos:0.1", "picqa"],
      definitions: {
        mine: {
          ...{ task: "mine", output_type: "loglikelihood", test_split: "test" },
          ...{ doc_to_text: "a", doc_to_target: "b" },
        },
      },
    },
  });
});

test("a file's group may name what a file before it defines", async () => {
  const mine = "task: mine\noutput_type: loglikelihood\ntest_split: test\ndoc_to_text: a\ndoc_to_target: b\n";
  const files = [specFile(mine, "mine.yaml"), specFile("group: both\ntask: [mine, piqa]\n", "both.yaml")];
  const { evaluation } = (await loadSpec(specFile(`evaluation: { tasks: ${JSON.stringify(files)} }\n`))) as {
    evaluation: { tasks: string[]; definitions: object };
  };
  assert.deepEqual(
    [new Set(evaluation.tasks), Object.keys(evaluation.definitions)],
    [new Set(["mine", "piqa"]), ["mine"]],
  );
});

test("what has the wrong shape is passed on as it is", async () => {
  assert.deepEqual(await loadSpec(specFile("models: 3\nsources: [text]\nevaluation: []\n")), {
    models: 3,
    sources: ["text"],
    evaluation: [],
  });
  assert.equal(await loadSpec(specFile("")), null);
});

const mistakes: readonly [title: string, file: () => string, said: RegExp][] = [
  ["a file that isn't there", () => join(folder, "absent.yaml"), /no such file.*absent\.yaml/],
  ["broken YAML", () => specFile("name: a\nmodels: [1, 2\nother: 3\n"), /not YAML: .*spec\.yaml, line \d+, column \d+/],
  ["a key given twice", () => specFile("name: a\nname: b\n"), /unique.*line 2, column 1/],
  [
    "an unknown variable",
    () => specFile(`models:\n  - path: ${variable("NO_SUCH_VARIABLE")}/m\n`),
    /NO_SUCH_VARIABLE.*models\[0\]\.path/,
  ],
];

for (const [title, file, said] of mistakes) {
  test(`${title} is an error that says where`, async () => {
    await assert.rejects(loadSpec(file()), { name: "InvalidStudySpec", message: said });
  });
}

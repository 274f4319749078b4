import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { askQuestions, withFewShot } from "../../evaluation/few-shot.js";
import { pythonRandom, pythonSample } from "../../evaluation/python-random.js";
import { requestsOf } from "../../evaluation/question.js";
import { givenRecords, type TaskRecords } from "../../evaluation/records.js";
import { taskNamed } from "../../evaluation/registry.js";
import { yamlTask } from "../../evaluation/yaml/task.js";

const pool = (size: number, split: string) =>
  givenRecords(
    Array.from({ length: size }, (_, i) => ({ goal: `${split} ${i}`, sol1: `${i} a`, sol2: `${i} b`, label: i % 2 })),
    `${split}.jsonl`,
  );

/** Of each question the examples before it, as the numbers in them. */
function examplesOf(task: Parameters<typeof askQuestions>[0], data: TaskRecords): number[][] {
  return askQuestions(task, data).map(({ prefix = "" }) =>
    Array.from(prefix.matchAll(/Question: \w+ (\d+)/g), ([, number]) => Number(number)),
  );
}

const mine = (keys: Record<string, unknown>) =>
  yamlTask(
    {
      ...{ task: "mine", output_type: "multiple_choice", num_fewshot: 3, test_split: "test", training_split: "train" },
      ...{ doc_to_text: "Question: {{ goal }}", doc_to_choice: "{{ [sol1, sol2] }}", doc_to_target: "label", ...keys },
    },
    "mine.yaml",
  );

test("samples are Python's: small pools shrink, large ones are drawn from again", () => {
  // python3: r = random.Random(1234); [r.sample(range(n), k) for n, k in ((100, 5), (10, 3), (1000, 2), (50000, 7), (21, 5), (3, 3))]
  const random = pythonRandom(1234);
  const sizes: [number, number][] = [
    [100, 5],
    [10, 3],
    [1000, 2],
    [50000, 7],
    [21, 5],
    [3, 3],
  ];
  assert.deepEqual(
    sizes.map(([size, count]) => pythonSample(random, size, count)),
    [
      ...[
        [99, 56, 14, 0, 11],
        [9, 0, 1],
        [100, 784],
      ],
      ...[
        [23241, 15519, 1142, 2019, 1038, 22681, 42488],
        [19, 15, 14, 4, 2],
        [0, 2, 1],
      ],
    ],
  );
});

const python = spawnSync("python3", ["-c", "print(1)"]).status === 0;
test("any sample of any seed is Python's", { skip: !python && "there is no python3" }, () => {
  const cases = Array.from({ length: 60 }, (_, i) => ({
    seed: [0, 1, 1234, 2 ** 31, 2 ** 32 - 1][i % 5],
    size: 1 + ((i * i * 37) % 3000),
    count: Math.min(1 + ((i * i * 37) % 3000), i % 23),
  }));
  const code =
    "import json, random, sys\n" +
    "print(json.dumps([random.Random(c['seed']).sample(range(c['size']), c['count']) for c in json.load(sys.stdin)]))";
  const { stdout } = spawnSync("python3", ["-c", code], { input: JSON.stringify(cases), encoding: "utf8" });
  assert.deepEqual(
    cases.map(({ seed, size, count }) => pythonSample(pythonRandom(seed), size, count)),
    JSON.parse(stdout),
  );
});

test("one generator draws for all records in their order", () => {
  // python3: r = random.Random(1234); [r.sample(range(30), 3) for _ in range(4)]
  const data = { ...pool(4, "test"), examples: pool(30, "train") };
  assert.deepEqual(examplesOf(mine({ fewshot_split: "train" }), data), [
    [24, 14, 3],
    [0, 2, 29],
    [25, 18, 1],
    [21, 22, 2],
  ]);
});

test("an example is a question with its answer; the question itself comes last, without", () => {
  const data = { ...pool(1, "test"), examples: pool(1, "train") };
  const task = mine({ num_fewshot: 1, fewshot_split: "train", description: "Choose.\n", fewshot_delimiter: "\n--\n" });
  assert.deepEqual(requestsOf(askQuestions(task, data)[0])[1], {
    context: "Choose.\nQuestion: train 0 0 a\n--\nQuestion: test 0",
    continuation: " 0 b",
  });
});

test("where examples are of the test split, one more is drawn and the record itself is dropped", () => {
  const data = pool(6, "test");
  const draws = examplesOf(mine({ num_fewshot: 2, fewshot_split: "test" }), { ...data, examples: data });
  // python3: r = random.Random(1234); [[x for x in r.sample(range(6), 3) if x != i][:2] for i in range(6)]
  assert.deepEqual(draws, [
    [3, 4],
    [0, 4],
    [5, 0],
    [2, 1],
    [0, 5],
    [4, 3],
  ]);
});

test("the harness compares the splits that are named: nothing is equal to nothing", () => {
  assert.equal(mine({}).fewShot.dropsItself, false);
  assert.equal(mine({ test_split: null, validation_split: "validation" }).fewShot.dropsItself, true);
  assert.equal(
    mine({ validation_split: "validation", test_split: null, fewshot_split: "validation" }).fewShot.dropsItself,
    false,
  );
  assert.equal(mine({ fewshot_split: "test" }).fewShot.dropsItself, true);
  // Built-in tasks leave the examples' split unsaid, as the harness's do.
  assert.equal(taskNamed("piqa").fewShot.dropsItself, true);
  assert.equal(taskNamed("arc_easy").fewShot.dropsItself, false);
});

test("first_n takes the split's first records, without the record itself", () => {
  const first = mine({ num_fewshot: 2, fewshot_split: "test", fewshot_config: { sampler: "first_n" } });
  const data = pool(4, "test");
  assert.deepEqual(examplesOf(first, { ...data, examples: data }), [
    [1, 2],
    [0, 2],
    [0, 1],
    [0, 1],
  ]);
});

test("a task may bring its examples, and a built-in task gets as many as are asked for", () => {
  const { records } = pool(3, "train");
  const task = mine({ num_fewshot: 1, fewshot_config: { samples: records, sampler: "first_n" } });
  assert.deepEqual(task.fewShot.samples, records);
  const data = { ...pool(2, "test"), examples: pool(40, "train") };
  for (const examples of examplesOf(withFewShot(taskNamed("piqa"), 5), data)) assert.equal(new Set(examples).size, 5);
  assert.deepEqual(examplesOf(withFewShot(task, 0), data), [[], []]);
});

test("LAMBADA's examples have the delimiter and the target's own space, as in the harness", () => {
  const texts = (text: string) => givenRecords([{ text }], "lambada.jsonl");
  const [question] = askQuestions(withFewShot(taskNamed("lambada"), 1), { ...texts("c d"), examples: texts("a b") });
  assert.deepEqual(requestsOf(question), [{ context: "a  b\n\nc", continuation: " d" }]);
});

test("too few examples are told with their file", () => {
  const data = { ...pool(2, "test"), examples: pool(2, "train") };
  assert.throws(
    () => askQuestions(mine({ fewshot_split: "train" }), data),
    /There are 2 different examples for a question of mine, which has 3 before it \(train\.jsonl\)/,
  );
});

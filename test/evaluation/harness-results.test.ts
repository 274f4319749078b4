import assert from "node:assert/strict";
import { test } from "node:test";
import type { Group } from "../../evaluation/group.js";
import { type EvaluatedTask, harnessResults } from "../../evaluation/harness-results.js";
import { taskNamed } from "../../evaluation/registry.js";
import { resultsFile, sampleFile, sampleLines } from "../../evaluation/sample-log.js";
import type { Evaluation } from "../../study/results.js";

const config = {
  ...{ model: "models/small", digest: "d", limit: null, addBos: "auto" as const },
  ...{ date: new Date("2025-01-02T03:04:05.678Z"), seconds: 1.5 },
};

function evaluated(name: string, count: number, acc: number, error: number | undefined, more = {}): EvaluatedTask {
  const task = taskNamed(name);
  const evaluation: Evaluation = {
    ...{ id: task.name, kind: "task", count, metrics: { acc: { value: acc } }, ...more },
    standardErrors: error === undefined ? {} : { acc: { value: error } },
  };
  return { task, evaluation, records: 2 * count, samples: [], answers: [] };
}

const group = (metrics: Group["metrics"], tasks: string[], name = "both"): Group => ({
  name,
  version: 2,
  tasks,
  metrics,
});
const results = (tasks: EvaluatedTask[], groups: Group[] = []) =>
  harnessResults(tasks, groups, config) as Record<string, Record<string, unknown>>;

test("a task's figures, versions, shots and samples stand under its name", () => {
  const found = results([evaluated("piqa", 10, 0.5, 0.1)]);
  assert.deepEqual(found.results.piqa, {
    ...{ name: "piqa", alias: "piqa", sample_len: 10 },
    ...{ "acc,none": 0.5, "acc_stderr,none": 0.1 },
  });
  assert.deepEqual(found.versions, { piqa: 1 });
  assert.deepEqual(found["n-shot"], { piqa: 0 });
  assert.deepEqual(found.higher_is_better, { piqa: { acc: true, acc_norm: true } });
  assert.deepEqual(found["n-samples"], { piqa: { original: 20, effective: 10 } });
  assert.deepEqual(found.group_subtasks, {});
  assert.ok(!("groups" in found));
  assert.equal(found.model_name_sanitized, "models__small");
  const { metric_list, output_type, num_fewshot } = found.configs.piqa as Record<string, unknown>;
  assert.deepEqual(metric_list, [
    { metric: "acc", aggregation: "mean", higher_is_better: true },
    { metric: "acc_norm", aggregation: "mean", higher_is_better: true },
  ]);
  assert.deepEqual([output_type, num_fewshot], ["multiple_choice", 0]);
});

test("a group's mean counts each task by its records, with the pooled standard error", () => {
  const tasks = [evaluated("boolq", 10, 0.5, 0.1), evaluated("rte", 40, 0.75, 0.05)];
  const both = group([{ metric: "acc", weightBySize: true }], ["boolq", "rte"]);
  const found = results(tasks, [both]);
  const figures = found.groups.both as Record<string, unknown>;
  assert.deepEqual(found.results.both, figures);
  assert.equal(figures["acc,none"], 0.7);
  // sqrt((9 * 0.1^2 * 10 + 39 * 0.05^2 * 40) / 48 / 50)
  assert.ok(Math.abs((figures["acc_stderr,none"] as number) - Math.sqrt(4.8 / 48 / 50)) < 1e-15);
  assert.deepEqual([figures.sample_len, figures.sample_count], [50, { "acc,none": 50 }]);
  assert.deepEqual(found.versions, { boolq: 2, rte: 1, both: "2" });
  assert.deepEqual(found["n-shot"], { boolq: 0, rte: 0, both: 0 });
  assert.deepEqual(found.group_subtasks, { both: ["boolq", "rte"] });
});

test("a mean may count all tasks the same; groups in groups count by their tasks", () => {
  const tasks = [evaluated("boolq", 10, 0.5, 0.1), evaluated("rte", 40, 0.75, undefined)];
  const inner = group([], ["rte"], "inner");
  const outer = group([{ metric: "acc", weightBySize: false }], ["boolq", "inner"]);
  const { groups, results: all } = results(tasks, [inner, outer]);
  const figures = groups.both as Record<string, unknown>;
  assert.equal(figures["acc,none"], 0.625);
  assert.equal(figures["acc_stderr,none"], "N/A");
  assert.deepEqual(Object.keys(groups), ["both"]);
  assert.deepEqual(all.inner, { alias: "inner", name: "inner" });
});

test("truncated contexts and repeated records are noted", () => {
  const { notes } = results([
    evaluated("boolq", 10, 0.5, 0.1, { truncated: 3, duplicates: 1 }),
    evaluated("rte", 1, 1, 0),
  ]);
  assert.deepEqual(notes, { boolq: { truncated_requests: 3, duplicate_records: 1 } });
});

test("a record's line in the sample log has the harness's keys, texts and hashes", () => {
  const doc = { goal: 'Wie "groß"?', sol1: "a", sol2: "b", label: 1, list: [1, 2], none: null };
  const task = taskNamed("piqa");
  const [question] = task.questions([doc], "piqa.jsonl");
  const scores = [
    { loglikelihood: -2, greedy: false },
    { loglikelihood: -1.25, greedy: true },
  ];
  const line = sampleLines({ ...evaluated("piqa", 1, 1, 0), answers: [{ question, scores }] }, [doc]);
  assert.ok(line.endsWith("\n"));
  assert.deepEqual(JSON.parse(line), {
    ...{ doc_id: 0, doc, target: "1" },
    arguments: {
      gen_args_0: { arg_0: 'Question: Wie "groß"?\nAnswer:', arg_1: " a" },
      gen_args_1: { arg_0: 'Question: Wie "groß"?\nAnswer:', arg_1: " b" },
    },
    resps: [[["-2.0", "False"]], [["-1.25", "True"]]],
    filtered_resps: [
      ["-2.0", "False"],
      ["-1.25", "True"],
    ],
    ...{ filter: "none", metrics: ["acc", "acc_norm"], acc: 1, acc_norm: 1 },
    // python3: hashlib.sha256 of json.dumps(doc, indent=2, ensure_ascii=False), of the context, and of "1".
    doc_hash: "bb9131959d5e9676db6b6189755d5adef7a658079b589e9a507db790bf3c26a9",
    prompt_hash: "2460dd0967424097ded5c811b7c7b3739de1ddce438faed36fea0eb4a583be95",
    target_hash: "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b",
  });
});

test("names of files have the task, and the date without underscores or colons", () => {
  assert.equal(sampleFile("piqa@typos:0.1", config.date), "samples_piqa@typos-0.1_2025-01-02T03-04-05.678.jsonl");
  assert.equal(resultsFile(config.date), "results_2025-01-02T03-04-05.678.json");
});

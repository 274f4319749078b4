import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { evaluateTask } from "../../evaluation/evaluate.js";
import { tokenPerplexity } from "../../evaluation/perplexity.js";
import { requestsOf } from "../../evaluation/question.js";
import { readTaskRecords, type TaskRecords } from "../../evaluation/records.js";
import { taskNamed } from "../../evaluation/registry.js";
import { encodeRequest } from "../../evaluation/requests.js";
import type { RequestScore } from "../../evaluation/samples.js";
import { scoreSequences } from "../../evaluation/score.js";
import type { SequenceScore } from "../../evaluation/sequence-score.js";
import { loadModel } from "../../models/load.js";
import type { HostWeights, Model } from "../../models/model.js";
import type { Tokenizer } from "../../models/tokenizer.js";
import { homePath } from "../../storage/home.js";
import { toNumber } from "../../study/figures.js";
import { loadBackend } from "../../tensor/backend.js";
import { sharedFolder } from "../shared.js";

const path = homePath("models", "SmolLM2-135M-Instruct.Q4_1.gguf");
const shared = sharedFolder();
const skip =
  shared === undefined ? "the reference values are not here" : !existsSync(path) && "the small model isn't set up";

interface Expected {
  results: Record<string, number>;
  /** record, choice, log-likelihood, greedy */
  requests: [number, number, number, boolean][];
}

let model: Model;
let tokenizer: Tokenizer;
let expected: Record<string, Expected>;
before(async () => {
  if (skip !== false) return;
  await loadBackend();
  model = keptInMemory(await loadModel(path));
  tokenizer = await model.tokenizer();
  expected = (await readReference("evaluation/expected.json")).tasks;
});
after(() => model?.close());

/** The file is dequantized once, not once a task. */
function keptInMemory(source: Model): Model {
  const blocks = new Map<number, Promise<HostWeights>>();
  let embedding: Promise<HostWeights> | undefined;
  let head: Promise<HostWeights> | undefined;
  return {
    ...source,
    embedding: () => {
      embedding ??= source.embedding();
      return embedding;
    },
    block: (index) => {
      const block = blocks.get(index) ?? source.block(index);
      blocks.set(index, block);
      return block;
    },
    head: () => {
      head ??= source.head();
      return head;
    },
  };
}

async function readReference(name: string) {
  return JSON.parse(await readFile(join(shared!, "reference", name), "utf8"));
}

const WHOLE = { limit: null, addBos: "auto" } as const;

const tasks = [
  ...["arc_easy", "arc_challenge", "boolq", "hellaswag", "lambada"],
  ...["openbookqa", "piqa", "rte", "storycloze", "winogrande"],
];

for (const task of tasks) {
  test(`${task}: every request's log-likelihood, greedy, and the results are lm-evaluation-harness's`, {
    skip,
  }, async () => {
    const data = await readReferenceRecords(task);
    const { evaluation, samples } = await evaluateTask(model, tokenizer, taskNamed(task), data, WHOLE);
    const { requests, results } = expected[task];
    assert.equal(samples.length, requests.length);
    assertExpected(task, data, samples);
    for (const [metric, figure] of Object.entries(evaluation.metrics)) {
      // A perplexity has the errors of the log-likelihoods; all others are counts.
      const tolerance = metric === "perplexity" ? 4e-5 * results[`${metric},none`] : 1e-12;
      assert.ok(Math.abs(toNumber(figure)! - results[`${metric},none`]) <= tolerance, metric);
      if (metric === "perplexity") continue;
      const error = toNumber(evaluation.standardErrors[metric])!;
      assert.ok(Math.abs(error - results[`${metric}_stderr,none`]) <= 1e-12, `standard error of ${metric}`);
    }
    assert.equal(evaluation.id, taskNamed(task).name);
  });
}

function readReferenceRecords(task: string): Promise<TaskRecords> {
  return readTaskRecords(join(shared!, "reference", "evaluation", "records"), taskNamed(task));
}

/** Each sample is what the harness gave for the request that it is of. */
function assertExpected(task: string, data: TaskRecords, samples: readonly RequestScore[]): void {
  const encoding = { addBos: "auto", maxLength: model.config.maxPositionEmbeddings } as const;
  const questions = taskNamed(task).questions(data.records, data.place);
  for (const { record, choice, loglikelihood, greedy } of samples) {
    const wanted = expected[task].requests.find(([at, which]) => at === record && which === choice)!;
    const { tokens, from } = encodeRequest(tokenizer, requestsOf(questions[record])[choice], encoding);
    // The harness's float32 log-softmax is off by about 1e-5 a token.
    const tolerance = 2e-5 * (tokens.length - from) + 2e-5;
    const error = Math.abs(loglikelihood - wanted[2]);
    assert.ok(error <= tolerance, `record ${record}, choice ${choice}: ${error} of ${tolerance}`);
    assert.equal(greedy, wanted[3], `greedy of record ${record}, choice ${choice}`);
  }
}

/** A few records of a task in each form: several choices, several contexts, one word. */
const forms = ["arc_easy", "winogrande", "lambada"];
const FEW = 8;

test("requests one by one, and 64 at once, have the harness's log-likelihoods", { skip }, async () => {
  const all = await Promise.all(
    forms.map(async (task) => {
      const data = await readReferenceRecords(task);
      const questions = taskNamed(task).questions(data.records, data.place).slice(0, FEW);
      const requests = questions.flatMap((question, record) =>
        requestsOf(question).map((request, choice) => ({ task, record, choice, request })),
      );
      return { task, data, requests };
    }),
  );
  const requests = all.flatMap((each) => each.requests);
  const encoding = { addBos: "auto", maxLength: model.config.maxPositionEmbeddings } as const;
  const sequences = requests.map(({ request }) => encodeRequest(tokenizer, request, encoding));
  for (const size of [1, 64]) {
    const scores: SequenceScore[] = [];
    for (let start = 0; start < sequences.length; start += size) {
      scores.push(...(await scoreSequences(model, sequences.slice(start, start + size))));
    }
    const samples = requests.map(({ request: _, ...place }, i) => ({ ...place, ...scores[i] }));
    for (const { task, data } of all) {
      assertExpected(
        task,
        data,
        samples.filter((sample) => sample.task === task),
      );
    }
  }
});

test("records in another order have the same log-likelihoods to the bit, and the same metrics", { skip }, async () => {
  for (const task of forms) {
    const { records, ...data } = await readReferenceRecords(task);
    const few = records.slice(0, FEW);
    // 5 has no divisor in common with the numbers of records.
    const order = few.map((_, i) => (i * 5 + 3) % few.length);
    assert.equal(new Set(order).size, few.length);
    const evaluate = (some: typeof records) =>
      evaluateTask(model, tokenizer, taskNamed(task), { ...data, records: some }, WHOLE);
    const [inOrder, shuffled] = [await evaluate(few), await evaluate(order.map((i) => few[i]))];
    assert.deepEqual(shuffled.evaluation, inOrder.evaluation);
    for (const sample of shuffled.samples) {
      const record = order[sample.record];
      assert.deepEqual(
        { ...sample, record },
        inOrder.samples.find((other) => other.record === record && other.choice === sample.choice),
      );
    }
  }
});

test("the limit takes the first records", { skip }, async () => {
  const data = await readReferenceRecords("boolq");
  const { evaluation, samples } = await evaluateTask(model, tokenizer, taskNamed("boolq"), data, {
    ...WHOLE,
    limit: 2,
  });
  assert.equal(evaluation.count, 2);
  assert.deepEqual(
    samples.map(({ record }) => record),
    [0, 0, 1, 1],
  );
});

test("the dense model's perplexity is the reference's", { skip }, async () => {
  const { input_ids } = await readReference("endtoend/test_tokens.json");
  const { perplexity, tolerance } = (await readReference("endtoend/expected.json")).cases.dense;
  const windows = input_ids.map((ids: number[]) => Int32Array.from(ids));
  const result = await tokenPerplexity(model, windows);
  assert.ok(Math.abs(result.perplexity - perplexity) <= tolerance, `${result.perplexity}`);
  assert.equal(result.tokens, 24 * 255);
});

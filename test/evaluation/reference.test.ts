import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { evaluateTask } from "../../evaluation/evaluate.js";
import { tokenPerplexity } from "../../evaluation/perplexity.js";
import { requestsOf } from "../../evaluation/question.js";
import { readTaskRecords } from "../../evaluation/records.js";
import { taskOf } from "../../evaluation/registry.js";
import { encodeRequest } from "../../evaluation/requests.js";
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

const tasks = [
  ...["arc_easy", "arc_challenge", "boolq", "hellaswag", "lambada"],
  ...["openbookqa", "piqa", "rte", "storycloze", "winogrande"],
];

for (const task of tasks) {
  test(`${task}: every request's log-likelihood, greedy, and the results are lm-evaluation-harness's`, {
    skip,
  }, async () => {
    const { records, where } = await readTaskRecords(join(shared!, "reference", "evaluation", "records"), task);
    const { evaluation, samples } = await evaluateTask(model, tokenizer, task, records, {
      limit: null,
      addBos: "auto",
      where,
    });
    const scored = scoredTokens(task, records);
    const { requests, results } = expected[task];
    assert.equal(samples.length, requests.length);
    requests.forEach(([record, choice, loglikelihood, greedy], i) => {
      const sample = samples[i];
      assert.deepEqual([sample.record, sample.choice, sample.greedy], [record, choice, greedy]);
      // The harness's float32 log-softmax is off by about 1e-5 a token (evaluation.md).
      const tolerance = 2e-5 * scored[i] + 2e-5;
      const error = Math.abs(sample.loglikelihood - loglikelihood);
      assert.ok(error <= tolerance, `record ${record}, choice ${choice}: ${error} of ${tolerance}`);
    });
    for (const [metric, figure] of Object.entries(evaluation.metrics)) {
      // A perplexity has the errors of the log-likelihoods; all others are counts.
      const tolerance = metric === "perplexity" ? 4e-5 * results[`${metric},none`] : 1e-12;
      assert.ok(Math.abs(toNumber(figure)! - results[`${metric},none`]) <= tolerance, metric);
      if (metric === "perplexity") continue;
      const error = toNumber(evaluation.standardErrors[metric])!;
      assert.ok(Math.abs(error - results[`${metric}_stderr,none`]) <= 1e-12, `standard error of ${metric}`);
    }
    assert.equal(evaluation.id, taskOf(task).name);
  });
}

function scoredTokens(task: string, records: readonly unknown[]): number[] {
  const encoding = { addBos: "auto", maxLength: model.config.maxPositionEmbeddings } as const;
  return taskOf(task)
    .questions(records, task)
    .flatMap((question) =>
      requestsOf(question).map((request) => {
        const { tokens, from } = encodeRequest(tokenizer, request, encoding);
        return tokens.length - from;
      }),
    );
}

test("the limit takes the first records", { skip }, async () => {
  const { records, where } = await readTaskRecords(join(shared!, "reference", "evaluation", "records"), "boolq");
  const options = { limit: 2, addBos: "auto", where } as const;
  const { evaluation, samples } = await evaluateTask(model, tokenizer, "boolq", records, options);
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

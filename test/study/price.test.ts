import assert from "node:assert/strict";
import { test } from "node:test";
import { knownModelSize, type ModelSize } from "../../study/known-sizes.js";
import { type PriceFacts, priceStudy } from "../../study/price.js";
import { exampleSpec } from "./example.js";

const toy: ModelSize = {
  parameters: 10_000,
  hiddenSize: 32,
  blocks: 5,
  linears: [
    [32, 128],
    [64, 128],
  ],
};
const facts: PriceFacts = { models: { toy }, evaluationTokens: { piqa: 100, text: 20 } };

// 2 sources x 3 sets of 2 and of 8 sequences of 16 tokens, for each of rtn, gptq and wanda: 36 cells and the dense one.
const spec = exampleSpec({ checkpoints: { activations: "every 2 blocks" } });
const [model] = priceStudy(spec, facts).models;
const tokensOfOneMethod = 2 * 3 * (2 + 8) * 16;

test("activities are those that the workflows start", () => {
  const dense = 2 + 1;
  const compressed = 1 + 5 + 2 + 1;
  const sweep = 2 + 1;
  assert.equal(model.cells, 37);
  assert.equal(model.activities, sweep + dense + 36 * compressed);
  assert.equal(priceStudy(spec, facts).total.activities, model.activities + 2);
});

test("calibration data pass once with trueSequential, twice without, and not at all for methods without them", () => {
  assert.equal(model.forwardTokens.calibration, (1 + 2) * tokensOfOneMethod);
  assert.equal(model.forwardTokens.evaluation, 37 * 120);
});

test("bytes are those of the encodings", () => {
  const weights = 32 * 128 + 64 * 128;
  const perBlock = { quantized: (weights * (4 + 64 / 128)) / 8, pruned: (weights * (1 + 16)) / 8 };
  assert.equal(model.bytes.layers, 12 * 5 * (2 * perBlock.quantized + perBlock.pruned));
  assert.equal(model.bytes.calibrationSets, tokensOfOneMethod * 4);
  // The embedding of each set once for both methods, and the inputs of blocks 2 and 4 for each of them.
  assert.equal(model.bytes.activations, (1 + 2 * 2) * tokensOfOneMethod * (32 * 4 + 4));
});

test("a noise replicate is a cell with an embedding of its own, which its methods share", () => {
  const more = exampleSpec({ ...spec, calibration: { ...spec.calibration, noiseReplicates: 2 } });
  const noisy = priceStudy(more, facts).models[0];
  assert.equal(noisy.cells - model.cells, 2 * 2);
  const embeddings = 2 * 8 * 16;
  const boundaries = 2 * 2 * 2 * 8 * 16;
  assert.equal(noisy.bytes.activations - model.bytes.activations, (embeddings + boundaries) * (32 * 4 + 4));
});

test("without kept activations only embeddings are written", () => {
  const none = priceStudy(exampleSpec({ checkpoints: { activations: "none" } }), facts).models[0];
  assert.equal(none.bytes.activations, tokensOfOneMethod * (32 * 4 + 4));
});

test("hours are known with a rate only, and grow with a model's size", () => {
  assert.equal(model.hours, null);
  assert.equal(priceStudy(spec, facts).total.hours, null);
  const two = exampleSpec({
    models: [
      { id: "toy", path: "a" },
      { id: "large", path: "b" },
    ],
  });
  const models = { toy, large: { ...toy, parameters: 3 * toy.parameters } };
  const { models: prices, total } = priceStudy(two, { ...facts, models, rate: 10 });
  const tokens = model.forwardTokens.calibration + model.forwardTokens.evaluation;
  assert.deepEqual(
    prices.map(({ hours }) => hours),
    [tokens / 10 / 3600, (3 * tokens) / 10 / 3600],
  );
  assert.equal(total.hours, (prices[0].hours ?? 0) + (prices[1].hours ?? 0));
});

test("published models are known by name, with their published numbers of weights", () => {
  // LLaMA: arXiv 2302.13971, table 2; OPT: arXiv 2205.01068, table 1; SmolLM2: its model card. Norms and positions left out.
  const published = {
    "llama-7b": 6.7,
    "vicuna-13b": 13,
    "llama-33b": 32.5,
    "opt-6.7b": 6.7,
    "opt-30b": 30,
    "SmolLM2-135M": 0.135,
  };
  for (const [name, billions] of Object.entries(published)) {
    const parameters = knownModelSize(name)?.parameters ?? 0;
    assert.ok(Math.abs(parameters / 1e9 / billions - 1) < 0.01, `${name}: ${parameters}`);
  }
});

test("a size is part of a name only where it stands alone", () => {
  assert.equal(knownModelSize("opt-1.3b"), undefined);
  assert.equal(knownModelSize("llama-113b"), undefined);
  assert.equal(knownModelSize("mistral-7b"), undefined);
  assert.deepEqual(knownModelSize("s3://models/vicuna-7b-v1.3"), knownModelSize("llama-7b"));
});

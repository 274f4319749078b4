import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { route } from "../../models/architectures/routing.js";
import { disposeAll, runBlock, toLastingTensors } from "../../models/forward.js";
import { loadModel } from "../../models/load.js";
import type { ExpertsConfig } from "../../models/model.js";
import { loadBackend } from "../../tensor/backend.js";
import { randomValues } from "../compression/random-layer.js";
import { smallWeights, writeSmallModel } from "./small-model.js";

before(loadBackend);

/** Of 2,048 inputs, so that products of fewer rows than 96, and a router of fewer than 528, have other bits (on two cores). */
const WIDE = {
  ...{ model_type: "qwen2_moe", vocab_size: 8, hidden_size: 2048, num_hidden_layers: 1, num_attention_heads: 4 },
  ...{ head_dim: 32, intermediate_size: 96, moe_intermediate_size: 96, shared_expert_intermediate_size: 96 },
  ...{ num_experts: 5, num_experts_per_tok: 2, max_position_embeddings: 64, norm_topk_prob: true },
};
const ROWS = 528;

const EXPERTS: ExpertsConfig = {
  ...{ count: 5, perToken: 2, intermediateSize: 8, sharedIntermediateSize: 8, normalized: true, blocks: [true] },
};

const drawn = randomValues(99_991, 1);
/** To draw millions would take seconds. */
const repeated = (length: number, from = 0) =>
  Float32Array.from({ length }, (_, i) => drawn[(from + i) % drawn.length]);

describe("experts in a forward pass", () => {
  it("a token's result has the same bits with other tokens beside it, before it, and however many", async () => {
    const random = Array.from(smallWeights(WIDE), ([name, { shape, data }], i) => {
      const values = repeated(data.length, 7 * i).map((x) => x / shape[shape.length - 1] ** 0.5);
      return [name, { shape, data: name.includes("norm") ? values.map((x) => 1 + x) : values }] as const;
    });
    const model = await loadModel(await writeSmallModel(new Map(random), WIDE));
    const weights = toLastingTensors(model, 0, await model.block(0));
    const size = model.config.hiddenSize;
    const values = repeated(ROWS * size, 3);
    const ofRows = (from: Float32Array, rows: readonly number[]) => {
      const chosen = new Float32Array(rows.length * size);
      rows.forEach((row, i) => {
        chosen.set(from.subarray(row * size, (row + 1) * size), i * size);
      });
      return chosen;
    };
    /** Every row a sequence of its own. */
    const outputs = (rows: readonly number[]) =>
      tf.tidy(() => {
        const hidden = tf.tensor3d(ofRows(values, rows), [1, rows.length, size]);
        const tree = { parents: new Int32Array(rows.length).fill(-1), positions: new Int32Array(rows.length) };
        return runBlock(model, 0, weights, hidden, tree).dataSync<"float32">();
      });
    const all = outputs(Array.from({ length: ROWS }, (_, i) => i));
    for (const count of [96, 240]) {
      for (const step of [1, 5]) {
        const rows = Array.from({ length: count }, (_, i) => (516 + (ROWS - step) * i) % ROWS);
        assert.deepEqual(outputs(rows), ofRows(all, rows));
      }
    }
    disposeAll(weights);
    await model.close();
  });

  for (const normalized of [true, false]) {
    it(`a router's choices are the largest of a softmax over all experts, normalized ${normalized}`, () => {
      const [rows, size] = [70, 16];
      const experts = { ...EXPERTS, normalized };
      const [input, router, gate] = [rows, experts.count, 1].map((n, i) => randomValues(n * size, i));
      const routing = route(
        tf.tensor3d(input, [2, rows / 2, size]),
        tf.tensor2d(router, [5, size]),
        tf.tensor2d(gate, [1, size]),
        experts,
      );
      const found = Array.from({ length: rows }, () => new Map<number, number>());
      for (let expert = 0, place = 0; expert < experts.count; expert++) {
        const own = routing.rows(expert);
        assert.deepEqual(own, own.toSorted());
        own.forEach((row, i) => {
          // As many experts as it has before this one.
          assert.equal(routing.places(found[row].size)[row], place++);
          found[row].set(expert, routing.shares(expert)[i]);
        });
      }
      for (const [row, shares] of found.entries()) {
        const x = input.subarray(row * size, (row + 1) * size);
        const dot = (weights: Float32Array, at: number) =>
          x.reduce((sum, value, i) => sum + value * weights[at * size + i], 0);
        const powers = Array.from({ length: experts.count }, (_, expert) => Math.exp(dot(router, expert)));
        const chosen = Array.from(powers.keys())
          .sort((a, b) => powers[b] - powers[a])
          .slice(0, experts.perToken)
          .toSorted();
        const of = normalized ? chosen.map((expert) => powers[expert]) : powers;
        const total = of.reduce((sum, power) => sum + power, 0);
        assert.deepEqual(Array.from(shares.keys()), chosen);
        // Sums of 16 terms in float32.
        for (const expert of chosen) assertNear(shares.get(expert)!, powers[expert] / total);
        assertNear(routing.sharedShares()![row], 1 / (1 + Math.exp(-dot(gate, 0))));
      }
    });
  }

  it("a row's shares have the same bits however many rows there are", () => {
    const [all, size] = [512, 4096];
    const experts = { ...EXPERTS, count: 8, perToken: 8, normalized: false };
    const input = tf.tensor3d(repeated(all * size), [1, all, size]);
    const router = tf.tensor2d(
      repeated(8 * size).map((x) => x / 64),
      [8, size],
    );
    const sharesOf = (rows: number) => {
      const routing = route(tf.slice(input, [0, 0, 0], [1, rows, -1]), router, undefined, experts);
      return Array.from({ length: 8 }, (_, expert) => routing.shares(expert));
    };
    const whole = sharesOf(all);
    for (const rows of [1, 64, 208]) {
      assert.deepEqual(
        sharesOf(rows),
        whole.map((shares) => shares.slice(0, rows)),
      );
    }
  });

  it("of equal shares the first experts are taken", () => {
    const routing = route(tf.ones([1, 3, 4]), tf.zeros([5, 4]), undefined, EXPERTS);
    assert.deepEqual(
      [0, 1, 2].map((expert) => Array.from(routing.rows(expert))),
      [[0, 1, 2], [0, 1, 2], []],
    );
    assert.equal(routing.sharedShares(), undefined);
  });
});

function assertNear(found: number, wanted: number): void {
  assert.ok(Math.abs(found - wanted) <= 1e-5, `${found} for ${wanted}`);
}

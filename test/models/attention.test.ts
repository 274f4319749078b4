import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { causalAttention } from "../../models/architectures/attention.js";
import { treeAttention } from "../../models/architectures/tree-attention.js";
import type { TokenTree } from "../../models/model.js";
import { loadBackend } from "../../tensor/backend.js";
import { type AttentionInput, attentionInFloat64, attentionInput, pick, treeOf } from "../attention-input.js";

// Attention with soft caps, which is made of TensorFlow's own operations on every backend.

before(loadBackend);

/** Float32's rounding, some hundred times over: sums of up to a few hundred values of about 1. */
const TOLERANCE = 2e-5;

const shapes = [
  { sequences: 2, tokens: 19, heads: 6, keyValueHeads: 2, headDim: 8, softcap: 1.5 },
  { sequences: 1, tokens: 300, heads: 3, keyValueHeads: 1, headDim: 22, softcap: 0.8 },
  { sequences: 1, tokens: 600, heads: 2, keyValueHeads: 1, headDim: 16, softcap: 1.2, window: 130 },
];

for (const shape of shapes) {
  test(`attends to what is before: ${JSON.stringify(shape)}`, () => {
    const input = attentionInput(shape);
    assertAllClose(attend(input), attentionInFloat64(input));
  });

  test(`attends to a token's own chain in a tree of sequences: ${JSON.stringify(shape)}`, () => {
    const input = { ...attentionInput({ ...shape, sequences: 1 }), parents: treeOf(shape.tokens) };
    assertAllClose(attend(input), attentionInFloat64(input));
  });
}

const skip = process.env.TOUCHSTONE_BACKEND === "wasm" && "products of other shapes have other bits there";
for (const window of [undefined, 13]) {
  const beside = `alone and as a branch of a tree, with ${window ?? "no"} window`;
  test(`gives a sequence the same bits ${beside}`, { skip }, () => {
    const shape = { sequences: 1, tokens: 160, heads: 3, keyValueHeads: 1, headDim: 20, softcap: 1.5, window };
    const alone = attentionInput(shape);
    const expected = attend({ ...alone, parents: chainOf(160) });
    const width = shape.heads * shape.headDim;
    // Of 160 tokens, 100 are the common beginning, then come two ends of 30 that are the same tokens.
    const order = Array.from({ length: 160 }, (_, i) => (i < 130 ? i : i - 30));
    const parents = Int32Array.from(order, (_, i) => (i === 130 ? 99 : i - 1));
    const branches = attend({ ...pick(alone, order), parents });
    for (let row = 0; row < 130; row++) {
      const branch = row < 100 ? row : row + 30;
      const own = expected.subarray(row * width, (row + 1) * width);
      assert.deepEqual(branches.subarray(branch * width, (branch + 1) * width), own);
    }
  });
}

function attend({ q, k, v, parents, shape, ...tables }: AttentionInput): Float32Array {
  const { sequences, tokens, heads, keyValueHeads, headDim, window = null, softcap } = shape;
  const tensor = (data: Float32Array, count: number) => tf.tensor3d(data, [sequences, tokens, count * headDim]);
  const attention = { heads, keyValueHeads, headDim, window, softcap };
  return tf
    .tidy(() => {
      const inputs = [tensor(q, heads), tensor(k, keyValueHeads), tensor(v, keyValueHeads)] as const;
      if (parents === undefined) return causalAttention(...inputs, tables, attention);
      return treeAttention(...inputs, tables, treeFrom(parents), attention);
    })
    .dataSync<"float32">();
}

function treeFrom(parents: Int32Array): TokenTree {
  const positions = new Int32Array(parents.length);
  parents.forEach((parent, i) => {
    positions[i] = parent < 0 ? 0 : positions[parent] + 1;
  });
  return { parents, positions };
}

function chainOf(tokens: number): Int32Array {
  return Int32Array.from({ length: tokens }, (_, i) => i - 1);
}

function assertAllClose(actual: Float32Array, expected: Float64Array): void {
  assert.equal(actual.length, expected.length);
  const error = actual.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0);
  assert.ok(error <= TOLERANCE, `${error} apart`);
}

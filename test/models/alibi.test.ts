import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { alibi, alibiSlopes, biasedAttention } from "../../models/architectures/alibi.js";
import { loadModel } from "../../models/load.js";
import type { ModelConfig, TokenTree } from "../../models/model.js";
import { loadBackend } from "../../tensor/backend.js";
import { writeDenseModel } from "../compressed-folder.js";
import { familyConfigs } from "./family-configs.js";

before(loadBackend);

test("slopes are powers of one base where heads are a power of two, and those between for more heads", () => {
  assert.deepEqual(
    Array.from(alibiSlopes(8)),
    [1, 2, 3, 4, 5, 6, 7, 8].map((power) => 2 ** -power),
  );
  const fourteen = Array.from(alibiSlopes(14));
  assert.deepEqual(fourteen.slice(0, 8), Array.from(alibiSlopes(8)));
  [1, 3, 5, 7, 9, 11].forEach((power, i) => {
    assert.ok(Math.abs(fourteen[8 + i] - 2 ** (-power / 2)) < 1e-7);
  });
});

for (const { heads, keyValueHeads, tokens } of [
  { heads: 5, keyValueHeads: 5, tokens: 40 },
  { heads: 6, keyValueHeads: 2, tokens: 40 },
  { heads: 1, keyValueHeads: 1, tokens: 1500 },
]) {
  test(`${heads} heads over ${keyValueHeads} attend to ${tokens} tokens with less weight by distance`, async () => {
    const shape = { heads, keyValueHeads, headDim: 8 };
    const config = await configOf(shape);
    const [q, k, v] = inputs(tokens, shape);
    const attend = biasedAttention(config, 0, tokens, undefined, (positions) => alibi(positions, alibiSlopes(heads)));
    const found = tf.tidy(() => attend(tensorOf(q, tokens), tensorOf(k, tokens), tensorOf(v, tokens)).dataSync());
    const expected = inFloat64(q, k, v, tokens, shape);
    const error = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - found[i])), 0);
    // A score is rounded at the size of its bias, 2^-24 of up to 1500.
    assert.ok(error <= 1e-5 + tokens * 2 ** -23, `${error}`);
  });
}

test("a token of a tree has the bits that it has alone, wherever it stands in the row", async () => {
  const shape = { heads: 6, keyValueHeads: 2, headDim: 8 };
  const config = await configOf(shape);
  const tokens = 90;
  const given = inputs(tokens, shape);
  // Two sequences of 40 and 50 tokens that share 20.
  const order = Array.from({ length: 90 }, (_, i) => i);
  const tree: TokenTree = {
    parents: Int32Array.from(order, (i) => (i === 40 ? 19 : i - 1)),
    positions: Int32Array.from(order, (i) => (i < 40 ? i : i - 20)),
  };
  const second = order.filter((i) => i < 20 || i >= 40);
  const bias = (positions: Float32Array) => alibi(positions, alibiSlopes(shape.heads));
  const run = (rows: readonly number[], tree?: TokenTree) =>
    tf.tidy(() => {
      const [q, k, v] = given.map((values) => tensorOf(pick(values, rows, tokens), rows.length));
      return biasedAttention(config, 0, rows.length, tree, bias)(q, k, v).dataSync();
    });
  const chain = { parents: Int32Array.from(second, (_, i) => i - 1), positions: Int32Array.from(second, (_, i) => i) };
  const alone = run(second, chain);
  assert.deepEqual(pick(run(order, tree), second, tokens), alone);
  const plain = run(second);
  alone.forEach((value, i) => {
    assert.ok(Math.abs(value - plain[i]) <= 1e-5);
  });
});

interface Shape {
  heads: number;
  keyValueHeads: number;
  headDim: number;
}

async function configOf({ heads, keyValueHeads, headDim }: Shape): Promise<ModelConfig> {
  const model = await loadModel(await writeDenseModel(familyConfigs.bloom));
  await model.close();
  return { ...model.config, attentionHeads: heads, keyValueHeads, headDim };
}

/** Queries, keys and values, [tokens, heads * headDim] each. */
function inputs(tokens: number, { heads, keyValueHeads, headDim }: Shape): Float32Array[] {
  return [heads, keyValueHeads, keyValueHeads].map((count, n) =>
    Float32Array.from({ length: tokens * count * headDim }, (_, i) => Math.sin(1 + i * (n + 1.3))),
  );
}

function tensorOf(values: Float32Array, tokens: number): tf.Tensor3D {
  return tf.tensor3d(values, [1, tokens, values.length / tokens]);
}

function pick(values: ArrayLike<number>, rows: readonly number[], of: number): Float32Array {
  const width = values.length / of;
  return Float32Array.from(rows.flatMap((row) => Array.from({ length: width }, (_, i) => values[row * width + i])));
}

/** By the definition: scores less slope times distance. */
function inFloat64(q: Float32Array, k: Float32Array, v: Float32Array, tokens: number, shape: Shape): Float64Array {
  const { heads, keyValueHeads, headDim } = shape;
  const slopes = alibiSlopes(heads);
  const out = new Float64Array(q.length);
  for (let head = 0; head < heads; head++) {
    const keyHead = Math.floor((head * keyValueHeads) / heads);
    for (let token = 0; token < tokens; token++) {
      const query = (token * heads + head) * headDim;
      const rowOf = (key: number) => (key * keyValueHeads + keyHead) * headDim;
      const weights = Array.from({ length: token + 1 }, (_, key) => {
        let score = 0;
        for (let i = 0; i < headDim; i++) score += q[query + i] * k[rowOf(key) + i];
        return Math.exp(score / Math.sqrt(headDim) - slopes[head] * (token - key));
      });
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      weights.forEach((weight, key) => {
        for (let i = 0; i < headDim; i++) out[query + i] += (weight / total) * v[rowOf(key) + i];
      });
    }
  }
  return out;
}

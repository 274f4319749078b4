import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { loadBackend } from "../../tensor/backend.js";
import { type FusedOps, fusedOps } from "../../tensor/fused-ops.js";
import {
  type AttentionInput,
  attentionInFloat64,
  attentionInput,
  pick,
  repeat,
  treeOf,
  values,
} from "../attention-input.js";

/** Float32's rounding, some hundred times over: sums of up to a few hundred values of about 1. */
const TOLERANCE = 2e-5;

const skip = process.env.TOUCHSTONE_BACKEND === "wasm" && "the operations are the native library's";

describe("operations of a transformer block in one pass", { skip }, () => {
  let ops: FusedOps;
  before(async () => {
    await loadBackend();
    const found = fusedOps();
    assert.ok(found !== undefined);
    ops = found;
  });

  for (const size of [1, 15, 16, 33, 576]) {
    it(`normalises rows of ${size} by their root mean square`, () => {
      const [x, weight] = [values(3 * size, 1), values(size, 2)];
      const y = ops.rmsNorm(tf.tensor2d(x, [3, size]), tf.tensor1d(weight), 1e-5).dataSync();
      for (let row = 0; row < 3; row++) {
        const own = x.subarray(row * size, (row + 1) * size);
        const scale = 1 / Math.sqrt(own.reduce((sum, each) => sum + each * each, 0) / size + 1e-5);
        own.forEach((each, i) => {
          assertClose(y[row * size + i], each * scale * weight[i]);
        });
      }
    });
  }

  for (const size of [1, 15, 16, 33, 576]) {
    it(`normalises rows of ${size} by their mean and variance`, () => {
      const [x, weight, bias] = [values(3 * size, 1).map((value) => value + 3), values(size, 2), values(size, 3)];
      const y = ops.layerNorm(tf.tensor2d(x, [3, size]), tf.tensor1d(weight), tf.tensor1d(bias), 1e-5).dataSync();
      for (let row = 0; row < 3; row++) {
        const own = Float64Array.from(x.subarray(row * size, (row + 1) * size));
        const mean = own.reduce((sum, each) => sum + each) / size;
        const scale = 1 / Math.sqrt(own.reduce((sum, each) => sum + (each - mean) ** 2, 0) / size + 1e-5);
        own.forEach((each, i) => {
          assertClose(y[row * size + i], (each - mean) * scale * weight[i] + bias[i]);
        });
      }
    });
  }

  const activations = {
    silu: (x: number) => x / (1 + Math.exp(-x)),
    gelu: (x: number) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  };
  for (const [name, activation] of Object.entries(activations)) {
    it(`gates values of every size by ${name}, also where e^x has no room in float32`, () => {
      for (const size of [1, 16, 37]) {
        const gate = values(size, 3).map((value, i) => [value, 50 * value, 200 * value][i % 3]);
        const up = values(size, 4);
        const tensors = [gate, up].map((data) => tf.tensor3d(data, [1, 1, size]));
        const y = ops.gate(tensors[0], tensors[1], name === "gelu").dataSync();
        gate.forEach((each, i) => {
          assertClose(y[i], activation(each) * up[i]);
        });
      }
    });
  }

  const shapes = [
    { sequences: 2, tokens: 19, heads: 6, keyValueHeads: 2, headDim: 8 },
    { sequences: 1, tokens: 70, heads: 3, keyValueHeads: 3, headDim: 64 },
    { sequences: 1, tokens: 300, heads: 2, keyValueHeads: 1, headDim: 22 },
    { sequences: 1, tokens: 5, heads: 1, keyValueHeads: 1, headDim: 128 },
    { sequences: 2, tokens: 40, heads: 4, keyValueHeads: 2, headDim: 16, window: 7 },
    { sequences: 1, tokens: 400, heads: 2, keyValueHeads: 1, headDim: 16, window: 130 },
    { sequences: 1, tokens: 30, heads: 2, keyValueHeads: 2, headDim: 20, rotaryDim: 6 },
    { sequences: 1, tokens: 30, heads: 2, keyValueHeads: 2, headDim: 17, rotaryDim: 0 },
  ];
  for (const shape of shapes) {
    it(`attends to what is before: ${JSON.stringify(shape)}`, () => {
      const input = attentionInput(shape);
      assertAllClose(attend(input), attentionInFloat64(input));
    });
  }

  const tree = { sequences: 1, tokens: 90, heads: 4, keyValueHeads: 2, headDim: 16 };
  it("attends to a token's own chain in a tree of sequences, and gives zeros for the rows beyond it", () => {
    const parents = treeOf(84);
    const input = { ...attentionInput(tree), parents };
    const [fused, expected] = [attend(input), attentionInFloat64(input)];
    const width = tree.heads * tree.headDim;
    assertAllClose(fused.subarray(0, 84 * width), expected.subarray(0, 84 * width));
    assert.ok(fused.subarray(84 * width).every((value) => value === 0));
  });

  for (const window of [undefined, 13]) {
    it(`gives a sequence the same bits alone, beside others and as a branch of a tree, with ${window ?? "no"} window`, () => {
      const shape = { sequences: 1, tokens: 60, heads: 4, keyValueHeads: 2, headDim: 24, window };
      const alone = attentionInput(shape);
      const expected = attend(alone);
      const width = shape.heads * shape.headDim;
      // Of 60 tokens, 20 are the common beginning, then come two ends of 20 that are the same tokens.
      const order = Array.from({ length: 60 }, (_, i) => (i < 40 ? i : i - 20));
      const parents = Int32Array.from(order, (_, i) => (i === 40 ? 19 : i - 1));
      const branches = attend({ ...pick(alone, order), parents });
      const beside = attend(repeat(alone, 3));
      for (let row = 0; row < 40; row++) {
        const own = expected.subarray(row * width, (row + 1) * width);
        const branch = row < 20 ? row : row + 20;
        assert.deepEqual(branches.subarray(branch * width, (branch + 1) * width), own);
        assert.deepEqual(beside.subarray((120 + row) * width, (121 + row) * width), own);
      }
    });
  }

  it("makes the parts of a log-softmax over many rows, each column's as if it were alone", () => {
    const [rows, columns] = [1000, 80];
    const logits = values(rows * columns, 10).map((value) => 30 * value);
    // Two equals: the first counts.
    logits[700 * columns + 5] = logits[300 * columns + 5] = 40;
    const targets = Array.from({ length: 200 }, (_, i) => ({ column: (7 * i) % columns, row: (13 * i) % rows }));
    targets.push({ column: 5, row: 300 }, { column: 5, row: 700 });
    const parts = (data: Float32Array, width: number, column: (i: number) => number) => {
      const places = [targets.map(({ column: c }) => column(c)), targets.map(({ row }) => row)];
      const [which, row] = places.map((each) => tf.tensor1d(each, "int32"));
      return ops.logSoftmax(tf.tensor2d(data, [rows, width]), which, row).dataSync();
    };
    const found = parts(logits, columns, (column) => column);
    targets.forEach(({ column, row }, i) => {
      const own = Array.from({ length: rows }, (_, r) => logits[r * columns + column]);
      const largest = Math.max(...own);
      assert.equal(found[3 * i], Math.fround(own[row] - largest));
      assertClose(
        found[3 * i + 1],
        own.reduce((sum, each) => sum + Math.exp(each - largest), 0),
      );
      assert.equal(found[3 * i + 2] === 1, own.indexOf(largest) === row);
    });
    const few = Float32Array.from({ length: rows * 16 }, (_, i) => logits[Math.floor(i / 16) * columns + 5]);
    const alone = parts(few, 16, () => 3);
    targets.forEach(({ column }, i) => {
      if (column === 5) assert.deepEqual(alone.subarray(3 * i, 3 * i + 3), found.subarray(3 * i, 3 * i + 3));
    });
    assert.throws(() => parts(logits, columns, () => 80), /beyond the logits/);
  });

  it("keeps NaN from tokens that don't see it, and shows it to those that do", () => {
    const input = attentionInput({ sequences: 1, tokens: 12, heads: 1, keyValueHeads: 1, headDim: 4 });
    const clean = attend(input);
    input.v.fill(Number.NaN, 8 * 4, 9 * 4);
    const spoilt = attend(input);
    assert.deepEqual(spoilt.subarray(0, 8 * 4), clean.subarray(0, 8 * 4));
    assert.ok(spoilt.subarray(8 * 4).every(Number.isNaN));
  });

  it("refuses shapes that don't fit, and parents that don't stand before their children", () => {
    const shape = { sequences: 1, tokens: 4, heads: 1, keyValueHeads: 1, headDim: 4 };
    assert.throws(() => attend({ ...attentionInput(shape), parents: Int32Array.of(-1, 0, 2, 1) }), /stand before/);
    assert.throws(() => attend({ ...attentionInput(shape), parents: new Int32Array(5).fill(-1) }), /fit one another/);
    assert.throws(() => ops.gate(tf.zeros([1, 1, 2]), tf.zeros([1, 1, 3]), false), /differ in size/);
    assert.throws(() => ops.rmsNorm(tf.zeros([1, 3]), tf.zeros([2]), 1e-5), /as long as a row/);
  });

  function attend({ q, k, v, shape, ...tables }: AttentionInput): Float32Array {
    const { sequences, tokens, heads, keyValueHeads, headDim, window = null } = shape;
    const tensor = (data: Float32Array, count: number) => tf.tensor3d(data, [sequences, tokens, count * headDim]);
    const options = { ...tables, heads, keyValueHeads, window };
    return tf
      .tidy(() => ops.attention(tensor(q, heads), tensor(k, keyValueHeads), tensor(v, keyValueHeads), options))
      .dataSync<"float32">();
  }
});

function assertClose(actual: number, expected: number): void {
  const difference = Math.abs(actual - expected);
  assert.ok(difference <= TOLERANCE * Math.max(1, Math.abs(expected)), `${actual} is not ${expected}`);
}

function assertAllClose(actual: Float32Array, expected: Float64Array): void {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, i) => {
    assertClose(value, expected[i]);
  });
}

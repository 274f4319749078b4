import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { linear, stableRows, toInputMajor } from "../../models/architectures/layers.js";
import { loadBackend } from "../../tensor/backend.js";

before(() => loadBackend());

const SHAPES = [
  { columns: 36, outputs: 80 },
  { columns: 192, outputs: 192 },
  { columns: 192, outputs: 50 },
  { columns: 576, outputs: 1536 },
  { columns: 1536, outputs: 576 },
  { columns: 4096, outputs: 128 },
];
const MOST_ROWS = 1100;

for (const { columns, outputs } of SHAPES) {
  test(`${columns} by ${outputs}: each row of a product has the same bits whatever the number of rows`, () => {
    const weight = tf.randomNormal([outputs, columns], 0, 1, "float32", 1);
    const inputMajor = toInputMajor(tf.clone(weight));
    const inputs = tf.randomNormal<tf.Rank.R3>([1, stableRows(MOST_ROWS), columns], 0, 1, "float32", 2);
    for (const of of [weight, inputMajor]) {
      const all = linear(inputs, of).dataSync<"float32">();
      for (let rows = 1; rows < MOST_ROWS; rows = stableRows(rows) + 1) {
        const part = tf.slice(inputs, [0, 0, 0], [1, stableRows(rows), -1]);
        const some = linear(part, of).dataSync<"float32">();
        assert.deepEqual(some, all.subarray(0, some.length), `${part.shape[1]} rows`);
      }
    }
    tf.dispose([weight, inputMajor, inputs]);
  });
}

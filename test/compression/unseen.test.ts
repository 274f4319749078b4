import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { compressLayers } from "../../compression/compress-layers.js";
import { compressCase } from "../../compression/layer-case.js";
import { accumulate } from "../../compression/statistics.js";
import { decodeLayer, encodeLayer, readStoredLayer } from "../../compression/stored-layer.js";
import { chunkSequences, embedChunks } from "../../models/forward.js";
import { loadModel } from "../../models/load.js";
import { loadBackend } from "../../tensor/backend.js";
import { writeSmallModel } from "../models/small-model.js";
import { settingsOf } from "./every-method.js";
import { collect, randomInputs, randomLayer, SEQUENCES, TOKENS } from "./random-layer.js";
import { starvedModel } from "./starved-model.js";
import { compressTensors } from "./tensor-block.js";

const layer = randomLayer(6, 32, 1);
const unseen = { kind: "unseen" } as const;

/** What the setting asks for, and the method without data that must give the same. */
const counterparts: [object, object | undefined][] = [
  [{ method: "gptq", groupSize: 16 }, undefined],
  [{ method: "spqr", unseen: "dense" }, undefined],
  [{ method: "sparsegpt" }, undefined],
  [{ method: "wanda" }, undefined],
  [
    { method: "gptq", bits: 3, groupSize: 16, symmetric: true, mse: true, actOrder: true, unseen: "rtn" },
    { method: "rtn", bits: 3, groupSize: 16, symmetric: true, mse: true },
  ],
  [
    { method: "spqr", bits: 3, unseen: "rtn" },
    { method: "rtn", bits: 3, groupSize: 16 },
  ],
  [
    { method: "sparsegpt", sparsity: 0.4, unseen: "magnitude" },
    { method: "magnitude", sparsity: 0.4 },
  ],
  [
    { method: "wanda", unseen: "magnitude" },
    { method: "magnitude", pattern: "2:4" },
  ],
];

describe("linears that no calibration token reaches", () => {
  before(loadBackend);

  it("weights that float32 has no room for are refused, as they are where tokens come", () => {
    const large = { ...layer, weight: layer.weight.map((value) => Math.fround(3e38 * Math.sign(value))) };
    for (const method of ["gptq", "spqr"]) {
      const settings = settingsOf({ method, unseen: "rtn", groupSize: 16 });
      assert.throws(() => compressLayers([large], unseen, settings), { name: "NumericalError" });
    }
  });

  it("a layer's file without tokens has no error to tell", () => {
    const inputs = { shape: [1, 0, 32], data: new Float32Array(0) };
    for (const json of [{ method: "rtn" }, { method: "wanda" }, { method: "gptq", groupSize: 16 }]) {
      assert.equal(compressCase({ layer, inputs }, settingsOf(json)).error, 0);
    }
  });

  for (const kind of ["secondMoment", "inputNorms"] as const) {
    it(`${kind} of no token is told apart from that of tokens that are zero`, () => {
      const nothing = tf.zeros<tf.Rank.R3>([SEQUENCES, 0, 32]);
      const empty = accumulate(kind, 32);
      empty.add(nothing);
      assert.deepEqual(empty.finish("w"), unseen);
      assert.equal(collect(new Float32Array(SEQUENCES * TOKENS * 32), 32, kind).kind, kind);
      nothing.dispose();
    });

    it(`${kind}: a sequence without tokens counts as a sequence, and adds nothing`, () => {
      const [inputs, nothing] = [randomInputs(32, 3), tf.zeros<tf.Rank.R3>([SEQUENCES, 0, 32])];
      const accumulator = accumulate(kind, 32);
      const tokens = tf.tensor3d(inputs, [SEQUENCES, TOKENS, 32]);
      for (const each of [nothing, tokens]) accumulator.add(each);
      const [mixed, whole] = [accumulator.finish("w"), accumulate(kind, 32)];
      whole.add(tokens);
      const alone = whole.finish("w");
      assert.ok("sequences" in mixed && "sequences" in alone);
      assert.equal(mixed.sequences, 2 * alone.sequences);
      const values = (of: typeof mixed) => ("hessian" in of ? of.hessian : of.meanSquares);
      // Halves of float32 values are exact.
      assert.deepEqual(
        values(mixed),
        values(alone).map((value) => value / 2),
      );
      tf.dispose([nothing, tokens]);
    });
  }

  for (const [json, counterpart] of counterparts) {
    it(`${JSON.stringify(json)}: ${counterpart === undefined ? "left dense" : JSON.stringify(counterpart)}`, () => {
      const settings = settingsOf(json);
      const [{ compressed, error }] = compressLayers([layer], unseen, settings);
      const [expected] =
        counterpart === undefined ? [] : compressLayers([layer], { kind: "none" }, settingsOf(counterpart));
      assert.deepEqual(compressed.weight, expected?.compressed.weight ?? layer.weight);
      assert.notEqual(compressed.weight, layer.weight);
      assert.equal(compressed.unseen, expected === undefined ? "dense" : settingsOf(counterpart!).method);
      assert.equal(error, settings.method === "wanda" ? null : 0);

      const bytes = encodeLayer(compressed, { name: "w", rows: 6, columns: 32, settings, error });
      assert.deepEqual(decodeLayer(bytes, "w"), compressed.weight);
      assert.equal(readStoredLayer(bytes, "w").compressed.unseen, compressed.unseen);
    });
  }

  it("settings without data have no such key, and no other values are taken", () => {
    for (const json of [
      { method: "rtn", unseen: "dense" },
      { method: "gptq", unseen: "magnitude" },
      { method: "wanda", unseen: "rtn" },
    ]) {
      assert.throws(() => settingsOf(json), /unseen/);
    }
  });

  for (const trueSequential of [true, false]) {
    it(`in a block only they are left dense, trueSequential ${trueSequential}`, async () => {
      const model = await loadModel(await writeSmallModel());
      const weights = await model.block(0);
      const inputs = await embedChunks(
        model,
        chunkSequences([Int32Array.of(1, 2, 3, 4, 5), Int32Array.of(6, 7, 8, 9, 10)]),
      );
      const settings = settingsOf({ method: "gptq", groupSize: 2, blockSize: 8, trueSequential });
      const name = "mlp.down_proj.weight";
      const options = { outputs: false };
      const starved = await compressTensors(starvedModel(model, name), 0, weights, inputs, settings, options);
      const whole = await compressTensors(model, 0, weights, inputs, settings, options);
      for (const [i, { compressed, ...linear }] of starved.layers.entries()) {
        assert.equal(compressed.unseen, linear.name === name ? "dense" : undefined);
        const expected = linear.name === name ? weights.get(name)!.data : whole.layers[i].compressed.weight;
        assert.deepEqual(compressed.weight, expected);
      }
      tf.dispose(inputs);
      await model.close();
    });
  }
});

import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import type * as tf from "@tensorflow/tfjs-core";
import { compressLayers } from "../../compression/compress-layers.js";
import { replaced } from "../../compression/compress-model.js";
import { compressCase, readCase } from "../../compression/layer-case.js";
import { solveError } from "../../compression/solve-error.js";
import { decodeLayer, encodeLayer } from "../../compression/stored-layer.js";
import { chunkSequences, embedChunks, runBlock, toTensors } from "../../models/forward.js";
import { loadModel } from "../../models/load.js";
import { writeSafetensors } from "../../models/safetensors-write.js";
import { loadBackend } from "../../tensor/backend.js";
import { decodeBfloat16, decodeFloat16, encodeBfloat16, encodeFloat16 } from "../../tensor/float16.js";
import { scratchFolder, writeSmallModel } from "../models/small-model.js";
import { settingsOf } from "./every-method.js";
import { collect, randomInputs, randomLayer } from "./random-layer.js";
import { compressTensors } from "./tensor-block.js";

const casts = {
  F32: (values: Float32Array) => values,
  F16: (values: Float32Array) => decodeFloat16(encodeFloat16(values)),
  BF16: (values: Float32Array) => decodeBfloat16(encodeBfloat16(values)),
};
const pruning: object[] = [
  { method: "sparsegpt", pattern: "2:4" },
  { method: "sparsegpt", sparsity: 0.4 },
  { method: "wanda", pattern: "2:4" },
  { method: "magnitude", sparsity: 0.3 },
];

describe("weightDtype: checkpoint", () => {
  before(loadBackend);

  it("is that of the file, for a layer read from one", async () => {
    const file = join(await scratchFolder(), "layer.safetensors");
    const { rows, columns, weight } = randomLayer(6, 32, 1);
    const inputs = { shape: [1, 4, 32], data: randomInputs(32, 3).slice(0, 4 * 32) };
    await writeSafetensors(file, new Map(Object.entries({ weight: { shape: [rows, columns], data: weight }, inputs })));
    const settings = settingsOf({ method: "wanda", pattern: "2:4", weightDtype: "checkpoint" });
    const { compressed } = compressCase(await readCase(file), settings);
    assert.equal(compressed.weight.filter((value) => value === 0).length, (rows * columns) / 2);
  });

  for (const [dtype, cast] of Object.entries(casts)) {
    for (const json of pruning) {
      it(`${JSON.stringify(json)}, ${dtype}: the solved weight in that type, with its own error, stored without loss`, () => {
        const layer = { ...randomLayer(6, 32, 1), dtype };
        const inputs = randomInputs(32, 3);
        const plain = settingsOf(json);
        const settings = settingsOf({ ...json, weightDtype: "checkpoint" });
        const kind = plain.method === "sparsegpt" ? "secondMoment" : plain.method === "wanda" ? "inputNorms" : "none";
        const statistics = kind === "none" ? ({ kind } as const) : collect(inputs, 32, kind);
        const [without] = compressLayers([layer], statistics, plain);
        const [{ compressed, error }] = compressLayers([layer], statistics, settings);
        assert.deepEqual(compressed.weight, cast(without.compressed.weight));
        if (dtype !== "F32") assert.notDeepEqual(compressed.weight, without.compressed.weight);
        assert.deepEqual(compressed.mask, without.compressed.mask);
        const expected =
          statistics.kind === "secondMoment" ? solveError(layer, compressed.weight, statistics.hessian) : null;
        assert.equal(error, expected);
        const bytes = encodeLayer(compressed, { name: "w", rows: 6, columns: 32, settings, error });
        assert.deepEqual(decodeLayer(bytes, "w"), compressed.weight);
      });
    }
  }

  it("is the type that the model's files have, and what the next forward pass computes with", async () => {
    const model = await loadModel(await writeSmallModel());
    const weights = await model.block(0);
    assert.deepEqual(new Set(Array.from(weights.values(), ({ dtype }) => dtype)), new Set(["F32"]));
    const halves = new Map(Array.from(weights, ([name, tensor]) => [name, { ...tensor, dtype: "BF16" }]));
    const inputs: tf.Tensor3D[] = await embedChunks(model, chunkSequences([Int32Array.of(1, 2, 3, 4, 5, 6)]));
    const settings = settingsOf({ method: "wanda", sparsity: 0.5, trueSequential: true, weightDtype: "checkpoint" });
    const { layers, outputs } = await compressTensors(model, 0, halves, inputs, settings);
    for (const { compressed } of layers) assert.deepEqual(compressed.weight, casts.BF16(compressed.weight));
    const expected = runBlock(model, 0, toTensors(replaced(weights, layers)), inputs[0]);
    assert.deepEqual(outputs[0].dataSync(), expected.dataSync());
    await model.close();
  });

  it("is refused for weights of another type, and for methods whose codes would not give such weights back", () => {
    const settings = settingsOf({ method: "magnitude", weightDtype: "checkpoint" });
    const layer = randomLayer(6, 32, 1);
    for (const [dtype, said] of [
      ["Q4_1", /Q4_1/],
      [undefined, /no known type/],
    ] as const) {
      const compress = () => compressLayers([{ ...layer, dtype }], { kind: "none" }, settings);
      assert.throws(compress, { name: "InvalidSettings", message: said });
    }
    assert.throws(() => settingsOf({ method: "gptq", weightDtype: "checkpoint" }), /weightDtype/);
    const large = { ...layer, dtype: "F16", weight: layer.weight.map((value) => value * 1e6) };
    assert.throws(() => compressLayers([large], { kind: "none" }, settings), { name: "NumericalError" });
  });
});

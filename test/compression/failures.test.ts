import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { compressLayers } from "../../compression/compress-layers.js";
import { factorise } from "../../compression/factorisation.js";
import type { LayerStatistics } from "../../compression/method.js";
import { methodOf } from "../../compression/registry.js";
import { methodSettingsSchema } from "../../study/methods.js";
import { loadBackend } from "../../tensor/backend.js";
import { collect, randomInputs, randomLayer } from "./random-layer.js";

const OPTIONS = { damping: 0.01, descending: false, dead: "fixedFirst" } as const;

describe("settings and data that can't be used", () => {
  before(loadBackend);

  const unfit: [object, RegExp][] = [
    [{ method: "gptq", groupSize: 48 }, /groupSize 48 doesn't divide blockSize 128/],
    [{ method: "spqr", groupSize: 24 }, /blockSize 128 is not a multiple of groupSize 24/],
    [{ method: "sparsegpt", pattern: "2:6" }, /blockSize 128 is not a multiple of the 6 of pattern 2:6/],
    [{ method: "wanda", pattern: "2:7" }, /runs of 7, but the layer has 72/],
    [{ method: "magnitude", pattern: "1:5" }, /runs of 5, but the layer has 72/],
  ];
  for (const [json, message] of unfit) {
    it(`${JSON.stringify(json)} is refused for 72 columns`, () => {
      const settings = methodSettingsSchema.parse(json);
      const check = () => methodOf(settings.method).checkSettings({ name: "w", rows: 4, columns: 72 }, settings);
      assert.throws(check, { name: "InvalidSettings", message });
    });
  }

  it("a last group that is shorter is no error", () => {
    const settings = methodSettingsSchema.parse({ method: "gptq", groupSize: 32 });
    const statistics = collect(randomInputs(72, 1), 72, "secondMoment");
    const [{ compressed }] = compressLayers([randomLayer(4, 72, 1)], statistics, settings);
    assert.equal(compressed.quantized?.groups, 3);
  });

  it("NaN and infinite weights are an error that names the tensor", () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const layer = randomLayer(4, 72, 1);
      layer.weight[100] = bad;
      const compress = () => compressLayers([layer], { kind: "none" }, methodSettingsSchema.parse({ method: "rtn" }));
      assert.throws(compress, { name: "NumericalError", message: /random\.weight/ });
    }
  });

  it("NaN and infinite inputs are an error that names whose they are", () => {
    for (const kind of ["secondMoment", "inputNorms"] as const) {
      const inputs = randomInputs(72, 1);
      inputs[500] = Number.NaN;
      assert.throws(() => collect(inputs, 72, kind), { name: "NumericalError", message: /inputs of random\.weight/ });
    }
  });

  it("damping grows tenfold until the factorisation succeeds, and is recorded", () => {
    // Eigenvalues 3 and -1: positive definite from a damping of more than 1 on.
    const { damping } = factorise(Float32Array.of(1, 2, 2, 1), 2, { ...OPTIONS, damping: 0.02 }, "w");
    assert.equal(damping, 2);
    const statistics: LayerStatistics = { kind: "secondMoment", hessian: Float32Array.of(1, 2, 2, 1), sequences: 1 };
    const settings = methodSettingsSchema.parse({ method: "gptq", damping: 0.02 });
    assert.equal(compressLayers([randomLayer(4, 2, 1)], statistics, settings)[0].compressed.damping, 2);
  });

  it("after three retries it is an error that names the layer", () => {
    const compute = () => factorise(Float32Array.of(1, 99, 99, 1), 2, OPTIONS, "inputs of model.q_proj");
    assert.throws(compute, { name: "NumericalError", message: /damping 10.*inputs of model\.q_proj/ });
  });

  it("dead inputs get a diagonal of 1 before the mean, or after the damping", () => {
    const hessian = Float32Array.of(4, 0, 0, 0);
    const pivots = (["fixedFirst", "dampedFirst"] as const).map((dead) => {
      const { upper, dead: marks } = factorise(hessian, 2, { damping: 0.5, descending: false, dead }, "w");
      assert.deepEqual(Array.from(marks), [0, 1]);
      return [upper[0], upper[3]].map((u) => Math.round(1e4 / u ** 2) / 1e4);
    });
    // 4 + 0.5 * 2.5 and 1 + 0.5 * 2.5; 4 + 0.5 * 2 and 1
    assert.deepEqual(pivots, [
      [5.25, 2.25],
      [5, 1],
    ]);
  });
});

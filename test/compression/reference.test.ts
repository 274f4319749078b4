import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { compressLayers } from "../../compression/compress-layers.js";
import type { Layer, LayerStatistics, StatisticsKind, Visits } from "../../compression/method.js";
import { methodOf } from "../../compression/registry.js";
import { solveError } from "../../compression/solve-error.js";
import { accumulate } from "../../compression/statistics.js";
import { readSafetensors, type Safetensors } from "../../models/safetensors.js";
import { type MethodSettings, methodNames, methodSettingsSchema } from "../../study/methods.js";
import { loadBackend } from "../../tensor/backend.js";
import { sharedFolder } from "../shared.js";
import { agreement } from "./agreement.js";

/** Elements that must agree; the rest are rounding ties, and what follows from them in the same row. */
const AGREE = 0.995;
/** A tie that fell the other way changes the row after it, but not the layer's error by more than this. */
const ERROR_TOLERANCE = 0.005;

const isClose = (error: number, expected: number) => Math.abs(error / expected - 1) <= ERROR_TOLERANCE;

const shared = sharedFolder();
const folder = shared === undefined ? undefined : join(shared, "reference", "layers");
const files = folder === undefined ? [] : readdirSync(folder).filter((name) => name.endsWith(".safetensors"));

interface Case {
  settings: { method: string };
  error: number;
}

/** Columns are visited in both ways, which must agree as closely. */
const visits: readonly Visits[] = ["kernels", "tensors"];

/** Where the block size is no part of the result, other sizes must agree as well. */
const OTHER_BLOCKS = [32, 256];

function isBlockFree(settings: MethodSettings): boolean {
  switch (settings.method) {
    case "spqr":
      return true;
    case "sparsegpt":
      return settings.pattern !== undefined;
    case "gptq":
      return settings.groupSize === -1 || settings.staticGroups;
    default:
      return false;
  }
}

/** A case's settings, and those with other block sizes, by what their tests are called. */
function variantsOf(label: string, settings: MethodSettings): [string, MethodSettings][] {
  const others = isBlockFree(settings) ? OTHER_BLOCKS : [];
  return [
    [label, settings],
    ...others.map((blockSize): [string, MethodSettings] => [
      `${label}, blocks of ${blockSize}`,
      methodSettingsSchema.parse({ ...settings, blockSize }),
    ]),
  ];
}

function floats(file: Safetensors, name: string): { shape: readonly number[]; data: Float32Array } {
  const tensor = file.tensors.get(name);
  assert.ok(tensor?.data instanceof Float32Array, `${name} is missing or not float`);
  return { shape: tensor.shape, data: tensor.data };
}

function statisticsOf(inputs: tf.Tensor3D, kind: StatisticsKind): LayerStatistics {
  const accumulator = accumulate(kind, inputs.shape[2]);
  for (const sequence of tf.split<tf.Tensor3D>(inputs, inputs.shape[0])) accumulator.add(sequence);
  return accumulator.finish("inputs");
}

describe("one layer gives what the reference implementations give", {
  skip: folder === undefined && "no shared/reference",
}, () => {
  before(loadBackend);
  for (const name of files) {
    it(name, async (t) => {
      const file = await readSafetensors(join(folder ?? "", name));
      const { shape, data: weight } = floats(file, "weight");
      const layer: Layer = { name: "weight", rows: shape[0], columns: shape[1], weight };
      const inputShape = floats(file, "inputs").shape as [number, number, number];
      const inputs = tf.tensor3d(floats(file, "inputs").data, inputShape);
      const cases = JSON.parse(file.metadata.get("cases") ?? "{}") as Record<string, Case>;
      const known = Object.entries(cases).filter(([, { settings }]) =>
        (methodNames as string[]).includes(settings.method),
      );
      assert.ok(known.length > 0, "the file must have cases of methods that exist here");
      const variants = known.flatMap(([label, { settings: json, error }]) =>
        variantsOf(label, methodSettingsSchema.parse(json)).map((variant) => [label, error, ...variant] as const),
      );
      for (const [label, expectedError, title, settings] of variants) {
        await t.test(title, () => {
          const { statistics: kind } = methodOf(settings.method);
          const statistics = statisticsOf(inputs, kind);
          const results = (kind === "secondMoment" ? visits : [undefined]).map((way) => {
            const [{ compressed }] = compressLayers([layer], statistics, settings, way);
            const error = solveError(layer, compressed.weight, floats(file, "hessian").data);
            const share = agreement(compressed.weight, floats(file, `expected.${label}`).data, layer.columns);
            const name = `${title}${way === undefined ? "" : `, by ${way}`}`;
            t.diagnostic(`${name}: ${(100 * share).toFixed(3)} % equal, error ${error} (reference ${expectedError})`);
            assert.ok(
              share >= AGREE || isClose(error, expectedError),
              `${name}: ${share} of the elements agree, error ${error} for ${expectedError}`,
            );
            return { error, stored: compressed.quantized?.codes ?? compressed.mask };
          });
          for (const { error, stored } of results) {
            assert.ok(isClose(error, results[0].error), `errors are ${error} and ${results[0].error}`);
            const equal = stored?.filter((value, i) => value === results[0].stored?.[i]).length ?? 0;
            assert.ok(equal >= AGREE * weight.length, `${equal} of ${weight.length} codes or marks are equal`);
          }
        });
      }
      inputs.dispose();
    });
  }
});

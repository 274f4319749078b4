import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { expandCells, isDataFree, pilotOf } from "../../study/cells.js";
import { methodLabels, methodSettingsSchema } from "../../study/methods.js";
import { cellName } from "../../study/names.js";
import { exampleSpec } from "./example.js";

const counts = fc.record({
  sizes: fc.uniqueArray(fc.integer({ min: 1, max: 512 }), { minLength: 1, maxLength: 4 }),
  sets: fc.integer({ min: 1, max: 4 }),
  noiseReplicates: fc.integer({ min: 0, max: 3 }),
});

test("there is one dense cell, one a method, source, size and set, and the noise replicates", () => {
  fc.assert(
    fc.property(counts, (calibration) => {
      const spec = exampleSpec({ calibration });
      const cells = expandCells(spec, "toy");
      const { sizes, sets, noiseReplicates } = calibration;
      const calibrated = spec.methods.filter(({ method }) => !isDataFree(method)).length;
      const grid = spec.methods.length * spec.sources.length * sizes.length * sets;
      assert.equal(cells.length, 1 + grid + noiseReplicates * calibrated);
      assert.equal(cells.filter(({ method }) => method === null).length, 1);
      assert.equal(new Set(cells.map(cellName)).size, cells.length);
    }),
  );
});

test("noise replicates are of one set of the largest size, and only of methods that use calibration data", () => {
  const spec = exampleSpec({ calibration: { sizes: [8, 2], length: 16, sets: 3, noiseReplicates: 2 } });
  const noisy = expandCells(spec, "toy").filter(({ noise }) => noise !== null);
  assert.deepEqual(
    noisy.map(({ methodLabel, source, size, set, noise }) => [methodLabel, source, size, set, noise]),
    [
      ["gptq", "a", 8, 0, 0],
      ["wanda", "a", 8, 0, 0],
      ["gptq", "a", 8, 0, 1],
      ["wanda", "a", 8, 0, 1],
    ],
  );
});

test("names of cells are safe in workflow ids and file names", () => {
  for (const cell of expandCells(exampleSpec({ calibration: { noiseReplicates: 1 } }), "toy"))
    assert.match(cellName(cell), /^[\w.-]+(\/[\w.-]+)+$/);
});

const label = (...settings: object[]) => methodLabels(settings.map((each) => methodSettingsSchema.parse(each)));

test("a method that stands once is called by its name alone", () => {
  assert.deepEqual(label({ method: "rtn", bits: 3 }, { method: "wanda" }), ["rtn", "wanda"]);
});

test("a method that stands more than once is told apart by what differs", () => {
  assert.deepEqual(label({ method: "gptq", bits: 3 }, { method: "gptq", bits: 4 }, { method: "rtn" }), [
    "gptq-bits3",
    "gptq-bits4",
    "rtn",
  ]);
  assert.deepEqual(label({ method: "wanda", pattern: "2:4" }, { method: "wanda", pattern: "4:8" }), [
    "wanda-pattern2of4",
    "wanda-pattern4of8",
  ]);
});

test("labels are unique, also where one entry has a key that the other lacks", () => {
  const labels = label({ method: "wanda" }, { method: "wanda", sparsity: 0.5 }, { method: "wanda", sparsity: 0.25 });
  assert.equal(new Set(labels).size, labels.length);
});

test("a model's pilot is the first set with what prunes, else with the fewest bits, and never with what uses no data", () => {
  const pilot = (...methods: Record<string, unknown>[]) => {
    const spec = exampleSpec({ methods: methods.map((method) => methodSettingsSchema.parse(method)) });
    const cell = pilotOf(spec, "toy");
    return cell && [cell.methodLabel, cell.set, cell.noise, cell.source === spec.sources[0].id];
  };
  const [rtn, magnitude] = [{ method: "rtn", bits: 2 }, { method: "magnitude" }];
  const [three, four] = [3, 4].map((bits) => ({ method: "gptq", bits }));
  assert.deepEqual(pilot(rtn, four, magnitude, { method: "sparsegpt" }, { method: "wanda" }), [
    "sparsegpt",
    0,
    null,
    true,
  ]);
  assert.deepEqual(pilot(rtn, four, three), ["gptq-bits3", 0, null, true]);
  assert.equal(pilot(rtn, magnitude), undefined);
});

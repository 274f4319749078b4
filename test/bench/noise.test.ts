import assert from "node:assert/strict";
import { test } from "node:test";
import { noiseOf, noisePart } from "../../bench/noise.js";
import { methodSettingsSchema } from "../../study/methods.js";
import type { CellResult } from "../../study/results.js";

const [three, four] = [3, 4].map((bits) => methodSettingsSchema.parse({ method: "gptq", bits }));

function cell(method: CellResult["method"], noise: number | null, perplexity: number): CellResult {
  const measured = { id: "text", kind: "perplexity", metrics: { perplexity: { value: perplexity } } } as const;
  return {
    ...{ model: "model", method, methodLabel: "gptq", source: "reference", size: 16, set: 0, noise },
    evaluations: [{ ...measured, standardErrors: {}, count: 1 }],
    ...{ bitsPerWeight: 4, sparsity: 0, error: 1, calibrationDigest: "set", seconds: { compress: 1, evaluate: 1 } },
  };
}

test("noise is how far a method's own replicates are from its undisturbed cell, relative to that", () => {
  const replicates = [110, 90, 105].map((perplexity, i) => cell(four, i, perplexity));
  const cells = [
    cell(null, null, 50),
    cell(four, null, 100),
    cell(three, null, 400),
    cell(three, 0, 900),
    ...replicates,
  ];
  const noise = noiseOf({ name: "gptq_4bit", settings: four, recorded: [0.01, -0.02] }, cells);
  assert.equal(noise.perplexity, 100);
  // Float64 roundings of quotients of small numbers.
  for (const [i, change] of [0.1, -0.1, 0.05].entries()) assert.ok(Math.abs(noise.changes[i] - change) < 1e-12);
  // n - 1: sqrt((0.0833^2 + 0.1167^2 + 0.0333^2) / 2).
  assert.ok(Math.abs(noise.standardDeviation - Math.sqrt(0.0216666 / 2)) < 1e-6);
  const [row] = noisePart.show([noise]).rows;
  assert.deepEqual(row.slice(0, 4), ["gptq_4bit", "100.000", "+10.00 %", "-10.00 %"]);
  assert.deepEqual(row.slice(-2), ["10.41 %", "+1.00 % -2.00 %"]);
});

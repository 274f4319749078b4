import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { solveMethods } from "../../bench/solve.js";
import { solveFigures } from "../../bench/solve-figures.js";
import { randomSolveLayer } from "../../bench/solve-layer.js";
import { checkPython, solveInPyTorch } from "../../bench/solve-python.js";
import { solveTimer } from "../../bench/solve-time.js";
import { leastSeconds, solveWork } from "../../bench/solve-work.js";
import { benchSolveCommand } from "../../client/commands/bench-solve.js";
import { methodSettingsSchema } from "../../study/methods.js";
import { loadBackend } from "../../tensor/backend.js";

const machine = {
  ...{ processor: "", cores: 2, backend: "", threads: 2, products: [] },
  ...{ gflops: 100, copyGigabytes: 10, readGigabytes: 10 },
};
const python = process.env.TOUCHSTONE_PYTHON || "python3";
const noTorch = await checkPython(python).then(
  () => false,
  () => `${python} has no torch`,
);

describe("the benchmark of solvers", () => {
  before(loadBackend);

  it("counts what a method has to do, and the longer of operations and bytes is the limit", () => {
    const shape = { rows: 1000, columns: 3000 };
    const work = solveWork("gptq", shape, 1500);
    assert.equal(work.factorise, 18e9);
    assert.equal(work.operations, 18e9 + 9e9 + 10 * 3e6);
    // Weights in and out with codes; H in, U out and in; the errors of the first of two blocks.
    assert.equal(work.bytes, 9 * 3e6 + 12 * 9e6 + 4 * 1.5e6);
    assert.equal(leastSeconds(work, machine), work.operations / 100e9);
    const simple = solveWork("wanda", shape, undefined);
    assert.equal(leastSeconds(simple, machine), (9 * 3e6) / 10e9);
  });

  it("layers of one shape have the same bits, and their second moment is symmetric", () => {
    const [a, b] = [randomSolveLayer(8, 24), randomSolveLayer(8, 24)];
    assert.deepEqual(a, b);
    for (let i = 0; i < 24; i++) for (let j = 0; j < i; j++) assert.equal(a.hessian[i * 24 + j], a.hessian[j * 24 + i]);
  });

  it("what isn't a method or a shape is refused before anything is measured", async () => {
    const run = (...args: string[]) => benchSolveCommand().parseAsync(args, { from: "user" });
    await assert.rejects(run("--only", "gptt"), { name: "UnknownMethod", message: /did you mean gptq/ });
    for (const shape of ["4096", "0x16", "16x18"])
      await assert.rejects(run("--shape", shape), { name: "InvalidSettings", message: /--shape/ });
    await assert.rejects(run("--python", "/nowhere/python"), { name: "SetupIncomplete" });
  });

  for (const method of solveMethods) {
    it(`${method} gives what PyTorch gives`, { skip: noTorch }, async () => {
      // The last group and the last run of rows are shorter than the others.
      const given = randomSolveLayer(40, 200);
      const settings = methodSettingsSchema.parse({ method });
      const ours = await solveTimer(given, 1)(settings);
      const theirs = await solveInPyTorch(given, settings, { python, threads: 2, repeats: 1 }, () => {});
      const { pyTorch } = solveFigures(given.layer, settings, machine, ours, theirs);
      // As in reference.test.ts: a rounding that falls the other way changes what follows in its row.
      assert.ok(pyTorch !== null && pyTorch.difference.share <= 0.005, `${pyTorch?.difference.share} differ`);
    });
  }
});

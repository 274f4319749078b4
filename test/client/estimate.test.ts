import assert from "node:assert/strict";
import { test } from "node:test";
import { secondsLeft } from "../../client/estimate.js";
import type { CellProgress, StudyProgress, SweepProgress } from "../../study/progress.js";

const study: StudyProgress = {
  ...{ skipped: 0, cancelled: [] },
  ...{ total: 12, done: 4, failed: 1, phase: "running", paused: false, report: null },
  ...{ models: {}, running: [] },
};
const sweep: SweepProgress = {
  ...{
    model: "m",
    total: 12,
    done: 4,
    failed: 1,
    skipped: 0,
    methods: {},
    phase: "running",
    paused: false,
    running: [],
  },
  measured: { cells: 3, since: 0 },
};
const cell: CellProgress = {
  ...{ cell: "m/gptq", phase: "compressing", block: 10, blocks: 20, evaluated: 0, evaluations: 2 },
  blockSeconds: 1,
};

test("what is left takes as long as what was done, begun cells in part", () => {
  // 3 cells and a quarter in 130 s are one in 40 s; 7 - 1/4 are left.
  assert.equal(secondsLeft(study, [sweep], [cell], 130_000), 270);
});

test("the study takes as long as the blocks of its slowest cell", () => {
  assert.equal(secondsLeft(study, [sweep], [{ ...cell, blockSeconds: 100 }], 130_000), 1000);
});

test("in a pause, and before anything was measured, nothing is estimated", () => {
  assert.equal(secondsLeft({ ...study, paused: true }, [sweep], [cell], 130_000), null);
  assert.equal(secondsLeft(study, [], [], 130_000), null);
});

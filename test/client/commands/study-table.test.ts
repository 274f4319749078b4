import assert from "node:assert/strict";
import { test } from "node:test";
import { renderOverview } from "../../../client/commands/study-table.js";
import type { StudyOverview } from "../../../study/progress.js";

const none = { total: 0, done: 0, failed: 0, running: 0 };

const overview: StudyOverview = {
  ...{ skipped: 0, cancelled: [], ended: false, cause: null },
  ...{ phase: "running", paused: false, total: 400, done: 52, failed: 1, secondsLeft: 274_000, report: null },
  running: ["study/big/m/llama"],
  models: {
    llama: {
      ...{ total: 200, done: 52, failed: 1, skipped: 0 },
      methods: {
        dense: { ...none, total: 1, done: 1 },
        gptq: { ...none, total: 100, done: 41, failed: 1, running: 2 },
        wanda: { ...none, total: 99, done: 10 },
      },
    },
    opt: { total: 200, done: 0, failed: 0, skipped: 0, methods: {} },
  },
  steps: [{ step: "sampleSource", worker: "touchstone@a:70", attempt: 1, stage: "reading", failure: null }],
  cells: [
    {
      ...{ cell: "llama/gptq/c4-n128-set3", phase: "compressing", block: 11, blocks: 32, evaluated: 0, evaluations: 7 },
      blockSeconds: 41,
      steps: [
        {
          ...{
            step: "compressBlock",
            worker: "touchstone-compute@a:71/gpu x1",
            attempt: 3,
            stage: "compressing, 11 of 32",
          },
          failure: "The compute process was killed\nmore",
        },
      ],
    },
    {
      ...{ cell: "llama/gptq/c4-n128-set4", phase: "evaluating", block: 32, blocks: 32, evaluated: 2, evaluations: 7 },
      blockSeconds: 40,
      steps: [
        {
          step: "evaluate",
          worker: "touchstone-compute@b:9/cpu x2",
          attempt: 1,
          stage: "evaluating piqa, 10 of 90",
          failure: null,
        },
        { step: "evaluate", worker: null, attempt: 1, stage: null, failure: null },
      ],
    },
  ],
  failures: [{ cell: "llama/gptq/c4-n128-set1", cause: "NumericalError: NaN in q_proj" }],
  queues: [
    { queue: "touchstone", workers: ["touchstone@a:70"], waiting: 0 },
    { queue: "touchstone-compute", workers: [], waiting: 12 },
  ],
};

test("the table tells counts by model and method, steps with their workers, failures, and who is there", () => {
  assert.equal(
    renderOverview("big", overview),
    `big: running, 52 of 400 cells, 1 failed, about 3 d 04 h left

model  all              dense  gptq                wanda
llama  52/200 1 failed  1/1    41/100 +2 1 failed  10/99
opt    0/200

running                  at             rate        worker         step
sampleSource                                        a:70           reading
llama/gptq/c4-n128-set3  block 12/32    41 s/block  a:71/gpu x1    attempt 3 (before: The compute process was killed): compressing, 11 of 32
llama/gptq/c4-n128-set4  evaluated 2/7              b:9/cpu x2     evaluating piqa, 10 of 90
                                                    waits for one  evaluate

failed
llama/gptq/c4-n128-set1  NumericalError: NaN in q_proj

queue               waiting  workers
touchstone                0  a:70
touchstone-compute       12  no worker`,
  );
});

test("of a study that has just begun there is no more than its first line and the queues", () => {
  const begun = {
    ...overview,
    phase: "planning" as const,
    total: 0,
    done: 0,
    failed: 0,
    models: {},
    cells: [],
    steps: [],
    failures: [],
  };
  assert.match(renderOverview("big", begun), /^big: planning, 0 of 0 cells\n\nqueue /);
});

import assert from "node:assert/strict";
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { askTask } from "../../activities/asked-task.js";
import { readRecord, writeRecord } from "../../activities/cell-records.js";
import { cellCertainties } from "../../activities/least-certain.js";
import { readOutcomes } from "../../activities/read-outcomes.js";
import { readCells } from "../../activities/report-study.js";
import { steps } from "../../activities/steps.js";
import { byCertainty } from "../../statistics/least-certain.js";
import { openStore } from "../../storage/store.js";
import { denseCell, pilotOf } from "../../study/cells.js";
import { cellName } from "../../study/names.js";
import type { SearchRound } from "../../study/search.js";
import type { StudySpecInput } from "../../study/spec.js";
import { scratchFolder } from "../models/small-model.js";
import { startS3 } from "../storage/s3-server.js";
import { computeStudy, freshContext, letters, writeStudy } from "./small-study.js";

process.env.TOUCHSTONE_HOME = await scratchFolder();
await startS3();

const store = openStore({ bucket: "bucket", prefix: "" });

async function searched(changes: Partial<StudySpecInput> = {}): Promise<StudySpecInput> {
  const given = await writeStudy({ calibration: { sizes: [2], length: 16, sets: 4 }, search: { budget: 0.95 } });
  const records = Array.from({ length: 17 }, (_, i) =>
    JSON.stringify({ text: `${letters(i, 12)} ${letters(i + 1, 3)}` }),
  );
  await appendFile(join(given.evaluation?.data ?? "", "last_word.jsonl"), `\n${records.join("\n")}`);
  return { ...given, ...changes };
}

function reasonFor({ study }: SearchRound, cell: string): Promise<string | undefined> {
  return readRecord(store, "skipped", study.name, cell).then((record) => record?.reason);
}

test("rounds have fewer sets and more records, and the last one has all records and every measure", async () => {
  const { name, rounds, cost } = await steps.planSearch(
    await searched({
      methods: [{ method: "gptq" }, { method: "rtn" }],
      calibration: { sizes: [2], length: 16, sets: 4, noiseReplicates: 2 },
    }),
  );
  assert.equal(name, "small");
  assert.deepEqual(
    rounds.map(({ candidates, study }) => [candidates, study.name]),
    [
      [1, "small.pilot"],
      [4, "small.round1"],
      [2, "small.round2"],
    ],
  );
  const [pilot, first, last] = rounds;
  assert.deepEqual([pilot.pilot, pilot.limit, pilot.study.evaluation.leastCertain], [true, 20, undefined]);
  assert.ok(first.limit < 20 && cost <= 0.95 && cost > 0.8, `${first.limit} records, ${cost}`);
  assert.deepEqual(
    [first, last].map(({ study: { evaluation } }) => [evaluation.limit, evaluation.leastCertain]),
    [
      [null, first.limit],
      [null, undefined],
    ],
  );
  assert.deepEqual(
    rounds.map(({ study }) => study.evaluation.perplexity.length),
    [0, 0, 1],
  );
  for (const { study } of rounds) {
    assert.deepEqual([study.search, study.calibration.noiseReplicates, study.methods.length], [undefined, 0, 1]);
  }
});

test("a specification in which nothing can be searched is refused", async () => {
  const given = await searched();
  const refusals: [Partial<StudySpecInput>, RegExp][] = [
    [{ methods: [{ method: "rtn" }] }, /no method that uses calibration data/],
    [{ evaluation: { ...given.evaluation, tasks: [] } }, /no task with unperturbed inputs/],
    [{ search: { budget: 0.01 } }, /0\.01 is too small for 4 sets of 20 records.*Give at least 0\.\d+/s],
  ];
  for (const [changes, message] of refusals)
    await assert.rejects(steps.planSearch({ ...given, ...changes }), {
      name: "InvalidSettings",
      message,
    });
  await assert.rejects(steps.planSearch({ ...given, search: { budget: 2 } }), {
    name: "InvalidStudySpec",
    message: /search\.budget/,
  });
  await assert.rejects(steps.planStudy(given, freshContext()), {
    name: "InvalidStudySpec",
    message: /touchstone study search/,
  });
});

test("a budget of everything takes one round, without a pilot", async () => {
  const { rounds, cost } = await steps.planSearch(await searched({ search: { budget: 1 } }));
  assert.deepEqual([rounds.map(({ study }) => study.name), cost], [["small.round1"], 1]);
});

test("the first round scores the records of which the dense model and the pilot are least certain, which need to have been asked", async () => {
  const context = freshContext();
  const { rounds } = await steps.planSearch(await searched({ name: "uncertain" }));
  const [pilot, first] = rounds;
  await assert.rejects(steps.planStudy(first.study, context), {
    name: "InvalidSettings",
    message: /no evaluation of model\/(dense|gptq\/source-n2-set0) by last_word.*evaluation\.leastCertain/s,
  });
  await steps.openSearchRound({ next: pilot }, context);
  const asked = await computeStudy(pilot.study, context);
  assert.deepEqual(
    (await readCells(asked.plan, asked.study, context)).cells.map((cell) => [
      cellName(cell),
      cell.evaluations[0].count,
    ]),
    [
      ["model/dense", 20],
      ["model/gptq/source-n2-set0", 20],
    ],
  );

  await steps.openSearchRound({ before: pilot, next: first }, context);
  const { plan, study } = await computeStudy(first.study, context);
  const { only = [] } = plan.tasks.last_word;
  const cell = pilotOf(asked.plan.spec, "model");
  assert.ok(cell);
  const checkpoints = context.state.checkpoints(asked.study);
  const task = await askTask(asked.plan, "last_word");
  const certainties = await Promise.all(
    [denseCell("model"), cell].map((each) => cellCertainties(asked.plan, checkpoints, each, task)),
  );
  assert.deepEqual(
    only,
    byCertainty(certainties)
      .slice(0, first.limit)
      .sort((a, b) => a - b),
  );
  const { cells } = await readCells(plan, study, context);
  assert.deepEqual(
    cells.map(({ evaluations: [{ count }] }) => count),
    Array(5).fill(first.limit),
  );
  const outcomes = await readOutcomes(plan, study, cells, context);
  assert.deepEqual(
    [outcomes.missing, outcomes.tasks[0].records, outcomes.cells.size],
    [undefined, first.limit, cells.length],
  );
});

test("the better half goes on, whatever was recorded before; what a person has skipped stays so", async () => {
  const context = freshContext();
  const { rounds } = await steps.planSearch(await searched({ name: "halved" }));
  const [pilot, before, next] = rounds;
  await steps.openSearchRound({ next: pilot }, context);
  await computeStudy(pilot.study, context);
  await computeStudy(before.study, context);
  const [{ best, ...group }] = await steps.rankSearchRound(before, context);
  assert.deepEqual(group, { model: "model", methodLabel: "gptq" });
  assert.equal(best.length, 4);
  const accuracies = best.map(({ accuracy }) => Number(accuracy));
  assert.deepEqual(
    accuracies,
    accuracies.toSorted((a, b) => b - a),
  );

  const [kept, ownReason, third, fourth] = best.map(({ cell }) => cell);
  const reason = "dropped out of the search after another search";
  await writeRecord(store, "skipped", next.study.name, { ...kept, reason });
  await writeRecord(store, "skipped", next.study.name, { ...ownReason, reason: "looked at by hand" });
  await steps.openSearchRound({ before, next }, context);
  const reasons = await Promise.all(best.map(({ cell }) => reasonFor(next, cellName(cell))));
  const dropped = "dropped out of the search after halved.round1";
  assert.deepEqual(reasons, [undefined, "looked at by hand", dropped, dropped]);

  await computeStudy(next.study, context);
  const [{ best: finalists }] = await steps.rankSearchRound(next, context);
  assert.deepEqual(
    finalists.map(({ cell }) => cellName(cell)),
    [cellName(kept)],
    `not ${cellName(third)}, nor ${cellName(fourth)}`,
  );
});

test("a set without an accuracy comes last", async () => {
  const context = freshContext();
  // Sets that no other test has drawn.
  const calibration = { sizes: [2], length: 16, sets: 4, seed: 1 };
  const { rounds } = await steps.planSearch(await searched({ name: "failed", calibration }));
  const [pilot, { study, ...rung }] = rounds;
  await steps.openSearchRound({ next: pilot }, context);
  await computeStudy(pilot.study, context);
  await computeStudy({ ...study, calibration: { ...study.calibration, sets: 2 } }, context);
  await steps.planStudy(study, context);
  const [{ best }] = await steps.rankSearchRound({ study, ...rung }, context);
  assert.deepEqual(
    best.map(({ accuracy }) => accuracy === null),
    [false, false, true, true],
  );
});

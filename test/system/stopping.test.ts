import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { StudyResults } from "../../study/results.js";
import type { StudySpecInput } from "../../study/spec.js";
import { useSystem } from "./harness.js";
import { manifestsOf, outcome } from "./observe.js";
import { skip } from "./set-up.js";
import { quickStudy } from "./small-study.js";

// A study that adds sets until a source's mean is known.

const system = useSystem();
const SECONDS = 800;
const options = { skip, timeout: 3 * SECONDS * 1000 };

/** Half-widths of a perplexity's interval: every one is narrower, or none is. */
const ANY = 1e9;
const NONE = 1e-9;

/** Wanda's figures differ from set to set; magnitude pruning looks at no data, so that equal figures say all. */
function study(halfWidth: number, maximum: number): StudySpecInput {
  return quickStudy(system, "stopping", {
    methods: [{ method: "wanda" }, { method: "magnitude" }],
    checkpoints: { prefix: "stopping", activations: "none" },
    calibration: { sizes: [2], length: 64, sets: 5 },
    concurrency: { cells: 3 },
    stopping: { halfWidth, minimum: 3, maximum },
  });
}

async function run(halfWidth: number, maximum: number) {
  const handle = await system.touchstone.start(study(halfWidth, maximum));
  const summary = await outcome(handle, SECONDS);
  const folder = join(system.folder, "report");
  const page = await readFile(await handle.report(folder), "utf8");
  const report = JSON.parse(await readFile(join(folder, "report.json"), "utf8")) as { results: StudyResults };
  return { summary, page, results: report.results, progress: await handle.progress() };
}

const setsOf = ({ cells }: StudyResults, method: string) =>
  cells.filter(({ methodLabel }) => methodLabel === method).map(({ set }) => set);

test("a study ends with as few sets as it takes, says so, and goes on where more are needed", options, async () => {
  const first = await run(ANY, 4);
  const { cells, failed, skipped, notNeeded } = first.summary;
  assert.deepEqual({ cells, failed, skipped, notNeeded }, { cells: 7, failed: 0, skipped: 0, notNeeded: 2 });
  assert.deepEqual([first.progress.total, first.progress.done, first.progress.notNeeded], [9, 7, 2]);
  for (const method of ["wanda", "magnitude"]) assert.deepEqual(setsOf(first.results, method), [0, 1, 2]);
  assert.ok(first.results.stopping?.every(({ sets, of, known }) => sets === 3 && of === 4 && known));
  for (const text of [first.summary.summary, first.page]) assert.match(text, /stopped after 3 of 4 sets: ±\d/);

  const blocks = (await manifestsOf("stopping", "block")).size;
  assert.deepEqual((await run(ANY, 4)).summary, first.summary, "started again it finds the same");
  assert.equal((await manifestsOf("stopping", "block")).size, blocks);

  const { summary, results } = await run(NONE, 5);
  assert.deepEqual([summary.cells, summary.failed, summary.notNeeded], [9, 0, 2]);
  assert.deepEqual(setsOf(results, "magnitude"), [0, 1, 2]);
  assert.deepEqual(setsOf(results, "wanda"), [0, 1, 2, 3, 4]);
  assert.match(summary.summary, /5 of 5 sets: ±\d.*wider than wanted/);
});

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { runSearch, type SearchRound, searchRounds } from "../../client/search.js";
import { cellName } from "../../study/names.js";
import type { StudyResults } from "../../study/results.js";
import { useSystem } from "./harness.js";
import { manifestsOf, outcome } from "./observe.js";
import { dataPath, skip } from "./set-up.js";
import { quickStudy } from "./small-study.js";

// A search for the best calibration set, round by round.

const system = useSystem();
const SECONDS = 800;
const RECORDS = 20;

test("a search evaluates the better half on more records, compresses nothing twice, and finds the same again", {
  skip,
  timeout: 3 * SECONDS * 1000,
}, async () => {
  const spec = quickStudy(system, "search", {
    methods: [{ method: "wanda" }, { method: "magnitude" }],
    checkpoints: { prefix: "search", activations: "none" },
    calibration: { sets: 4, noiseReplicates: 1 },
    evaluation: { tasks: ["piqa"], data: dataPath("benchmarks"), limit: RECORDS },
  });
  const search = await searchRounds(spec, 0.7);
  assert.deepEqual(
    search.rounds.map(({ candidates, study }) => [candidates, study.name]),
    [
      [4, "search.round1"],
      [2, "search.round2"],
    ],
  );
  assert.ok(search.cost <= 0.7 && search.rounds[0].limit < RECORDS && search.rounds[1].limit === RECORDS);

  const rounds: StudyResults[] = [];
  const blocks: number[] = [];
  const run = async ({ study }: SearchRound) => {
    const handle = await system.touchstone.start(study);
    await outcome(handle, SECONDS);
    const page = await handle.report(join(system.folder, study.name));
    const { results } = JSON.parse(await readFile(join(dirname(page), "report.json"), "utf8"));
    rounds.push(results);
    blocks.push((await manifestsOf("search", "block")).size);
    return results as StudyResults;
  };
  const found = await runSearch(search, run);
  const compressed = rounds.map(({ cells }) => cells.filter(({ method }) => method !== null));
  assert.deepEqual(
    compressed.map(({ length }) => length),
    [4, 2],
  );
  const accuracies = compressed.map((cells) =>
    cells.map(
      (cell) =>
        [cellName(cell), Number(cell.evaluations.find(({ kind }) => kind === "task")?.metrics.acc.value)] as const,
    ),
  );
  const [dropped, kept] = [false, true].map((isKept) =>
    accuracies[0].filter(([name]) => accuracies[1].some(([other]) => other === name) === isKept),
  );
  assert.ok(Math.min(...kept.map(([, value]) => value)) >= Math.max(...dropped.map(([, value]) => value)));
  assert.deepEqual(
    rounds[1].skipped.map(({ reason }) => reason),
    Array(2).fill("dropped out of the search after round 1"),
  );
  const [{ best, ...group }, ...others] = found;
  assert.deepEqual([group, others], [{ model: "small", methodLabel: "wanda" }, []]);
  assert.equal(best[0].accuracy, Math.max(...accuracies[1].map(([, value]) => value)));
  assert.equal(blocks[1], blocks[0], "what is left was compressed before");
  assert.deepEqual(await runSearch(search, run), found);
  assert.equal(blocks.at(-1), blocks[0]);
});

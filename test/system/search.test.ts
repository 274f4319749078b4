import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { cellName } from "../../study/names.js";
import type { CellResult, StudyResults } from "../../study/results.js";
import type { SearchSummary } from "../../study/search.js";
import type { StudySpecInput } from "../../study/spec.js";
import { useSystem } from "./harness.js";
import { manifestsOf, within } from "./observe.js";
import { dataPath, skip } from "./set-up.js";
import { quickStudy } from "./small-study.js";

// A search for the best calibration set, round by round.

const system = useSystem();
const SECONDS = 800;
const RECORDS = 20;

async function run(spec: StudySpecInput): Promise<{ summary: SearchSummary; rounds: StudyResults[] }> {
  const search = await system.touchstone.search(spec);
  const summary = await within(SECONDS * 1000, search.result());
  const rounds: StudyResults[] = [];
  for (const { study } of summary.rounds) {
    const page = await system.touchstone.study(study).report(join(system.folder, study));
    rounds.push(JSON.parse(await readFile(join(dirname(page), "report.json"), "utf8")).results);
  }
  return { summary, rounds };
}

test("a search evaluates the better half on more records, compresses nothing twice, and finds the same again", {
  skip,
  timeout: 3 * SECONDS * 1000,
}, async () => {
  const spec = quickStudy(system, "search", {
    methods: [{ method: "wanda" }, { method: "magnitude" }],
    checkpoints: { prefix: "search", activations: "none" },
    calibration: { sets: 4, noiseReplicates: 1 },
    evaluation: { tasks: ["piqa"], data: dataPath("benchmarks"), limit: RECORDS },
    search: { budget: 0.95 },
  });
  await assert.rejects(
    system.touchstone.start(spec).then((study) => study.result()),
    { name: "InvalidStudySpec", message: /touchstone study search/ },
  );

  const { summary, rounds: all } = await run(spec);
  const [pilot, ...rounds] = all;
  assert.deepEqual(
    summary.rounds.map(({ candidates, study }) => [candidates, study]),
    [
      [1, "search.pilot"],
      [4, "search.round1"],
      [2, "search.round2"],
    ],
  );
  const [, first, last] = summary.rounds;
  assert.ok(summary.cost <= 0.95 && first.limit < RECORDS && last.limit === RECORDS);
  const taskOf = ({ evaluations }: CellResult) => evaluations.find(({ kind }) => kind === "task");
  const counts = all.map(({ cells }) => cells.map((cell) => taskOf(cell)?.count));
  assert.deepEqual(counts.slice(0, 2), [Array(2).fill(RECORDS), Array(5).fill(first.limit)]);
  assert.ok(counts[2].every((count) => count === RECORDS));
  const compressed = rounds.map(({ cells }) => cells.filter(({ method }) => method !== null));
  const accuracies = compressed.map((cells) =>
    cells.map((cell) => [cellName(cell), Number(taskOf(cell)?.metrics.acc.value)] as const),
  );
  const [, pilotName] = pilot.cells.map(cellName);
  const ranked = accuracies[0].toSorted(([, one], [, other]) => other - one).map(([name]) => name);
  const kept = new Set([...ranked.slice(0, 2), pilotName]);
  assert.deepEqual(new Set(accuracies[1].map(([name]) => name)), kept);
  assert.deepEqual(
    rounds[1].skipped.map(({ reason }) => reason),
    Array(4 - kept.size).fill("dropped out of the search after search.round1"),
  );
  const [{ best, ...group }, ...others] = summary.found;
  assert.deepEqual([group, others], [{ model: "small", methodLabel: "wanda" }, []]);
  assert.equal(best.length, kept.size, "what has dropped out is not ranked");
  assert.equal(best[0].accuracy, Math.max(...accuracies[1].map(([, value]) => value)));

  const searches: string[] = [];
  for await (const { name, status } of system.touchstone.listSearches()) searches.push(`${name} ${status}`);
  assert.ok(searches.includes("search COMPLETED"), searches.join(", "));
  for (const [name, id] of [
    ["search", "search/search"],
    ["search.round1", "study/search.round1"],
  ])
    assert.equal((await system.touchstone.find(name)).workflowId, id);
  await assert.rejects(system.touchstone.find("search.round3"), { name: "UnknownStudy" });

  const reasons = pilot.skipped.map(({ reason }) => reason);
  assert.deepEqual(reasons, Array(3).fill("the pilot alone is evaluated before the search's first round"));

  const blocks = await manifestsOf("search", "block");
  assert.ok(blocks.size > 0);
  assert.deepEqual((await run(spec)).summary, summary);
  assert.deepEqual([...(await manifestsOf("search", "block")).keys()], [...blocks.keys()], "all was compressed before");
});

test("a search with too small a budget says so, and starts no study", { skip, timeout: SECONDS * 1000 }, async () => {
  const spec = quickStudy(system, "poor-search", {
    calibration: { sets: 2 },
    evaluation: { tasks: ["piqa"], data: dataPath("benchmarks"), limit: RECORDS },
    search: { budget: 0.01 },
  });
  const search = await system.touchstone.search(spec);
  await assert.rejects(search.result(), { name: "InvalidSettings", message: /0\.01 is too small for 2 sets/ });
  assert.deepEqual((await search.progress()).rounds, []);
  await assert.rejects(system.touchstone.study("poor-search.round1").progress(), { name: "UnknownStudy" });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { compareStudies } from "../../report/compare.js";
import { renderComparison } from "../../report/compare-html.js";
import { differencesOf } from "../../report/differences.js";
import type { CellResult } from "../../study/results.js";
import { realisticStudy } from "./realistic.js";
import { cellOf, resultsOf } from "./study.js";

const place = { method: "gptq", source: "news" } as const;

/** Two sets with GPTQ and the dense model; `shift` is added to every accuracy. */
function smallStudy(name: string, shift: number, change: (cell: CellResult) => CellResult = (cell) => cell) {
  const cells = [
    cellOf({}, { tasks: { piqa: 0.75 + shift }, perplexities: { text: 20 } }),
    ...[0.5, 0.625].map((piqa, set) =>
      cellOf({ ...place, set }, { tasks: { piqa: piqa + shift }, perplexities: { text: 24 + set } }),
    ),
  ];
  return resultsOf(cells.map(change), { name });
}

test("a study compared with itself differs nowhere", () => {
  const study = realisticStudy({ perturbed: true });
  const comparison = compareStudies(study, study);
  assert.deepEqual([comparison.specification, comparison.environment, comparison.incomparable], [[], [], []]);
  assert.equal(comparison.cells.length, study.cells.length);
  for (const { measures } of comparison.groups)
    for (const { difference } of Object.values(measures)) assert.ok([0, null].includes(difference.mean));
});

test("cells of one name are compared pair by pair, second less first", () => {
  const { groups, cells } = compareStudies(smallStudy("a", 0), smallStudy("b", 0.125));
  assert.equal(cells.length, 3);
  const { measures, pairs } = groups.find(({ method }) => method === "gptq") ?? assert.fail();
  const { first, second, difference } = measures["task:piqa"];
  assert.deepEqual(
    [pairs, first.mean, second.mean, difference.mean, difference.standardDeviation],
    [2, 0.5625, 0.6875, 0.125, 0],
  );
});

test("cells with other settings, other sets, or only in one study are told, not compared", () => {
  const one = smallStudy("a", 0);
  const settings = smallStudy("b", 0, (cell) =>
    cell.method?.method === "gptq" ? { ...cell, method: { ...cell.method, bits: 3 } } : cell,
  );
  assert.deepEqual(compareStudies(one, settings).incomparable, [
    { what: "tiny/gptq/news-n128", why: "the method's settings differ", count: 2 },
  ]);
  const sets = smallStudy("b", 0, (cell) => (cell.set === 1 ? { ...cell, calibrationDigest: "other" } : cell));
  assert.deepEqual(compareStudies(one, sets).incomparable, [
    { what: "tiny/gptq/news-n128", why: "the calibration sets hold other sequences", count: 1 },
  ]);
  const fewer = { ...one, name: "b", cells: one.cells.slice(0, 2) };
  assert.deepEqual(compareStudies(one, fewer).incomparable, [
    { what: "tiny/gptq/news-n128", why: "only a has finished it", count: 1 },
  ]);
  assert.deepEqual(compareStudies(fewer, { ...one, name: "c" }).incomparable[0].why, "only c has finished it");
});

test("an evaluation of other records is not compared, nor are means over tasks", () => {
  const fewer = smallStudy("b", 0, (cell) => ({
    ...cell,
    evaluations: cell.evaluations.map((each) => (each.id === "piqa" ? { ...each, count: 100 } : each)),
  }));
  const { measures, incomparable } = compareStudies(smallStudy("a", 0), fewer);
  assert.deepEqual(
    measures.map(({ key }) => key),
    ["perplexity:text"],
  );
  assert.deepEqual(incomparable[0], {
    what: "task piqa",
    why: "500 records were scored in one, 100 in the other",
    count: 1,
  });
});

test("nor is one of as many records that were chosen otherwise", () => {
  const chosen = (name: string, by: string) =>
    smallStudy(name, 0, (cell) => ({
      ...cell,
      evaluations: cell.evaluations.map((each) => (each.id === "piqa" ? { ...each, chosen: by } : each)),
    }));
  const [{ what, why }] = compareStudies(chosen("a", "one"), chosen("b", "two")).incomparable;
  assert.deepEqual([what, why], ["task piqa", "other records were chosen in one than in the other"]);
  assert.deepEqual(compareStudies(chosen("a", "one"), chosen("b", "one")).incomparable, []);
});

test("specifications' differences have their places, by id where there is one", () => {
  const first = { seed: 0, sizes: [1, 2], sources: [{ id: "a", path: "x" }, { id: "b" }] };
  const second = { seed: 1, sizes: [1, 2], sources: [{ id: "b" }, { id: "a", path: "y" }], more: true };
  assert.deepEqual(differencesOf(first, second), [
    { path: "seed", first: 0, second: 1 },
    { path: "sources.a.path", first: "x", second: "y" },
    { path: "more", first: undefined, second: true },
  ]);
});

test("the page has what differs first, then what isn't compared, then figures, all escaped", () => {
  const evil = "<b>evil</b>";
  const second = { ...smallStudy(evil, 0.125), spec: { [evil]: evil }, environment: { backend: evil } };
  const page = renderComparison(compareStudies(smallStudy("a", 0), second));
  assert.ok(!page.includes(evil));
  const order = ["told otherwise", "Differences of the specifications", "not compared", "Cell by cell"];
  const places = order.map((text) => page.indexOf(text));
  assert.ok(!places.includes(-1));
  assert.deepEqual(
    places,
    places.toSorted((a, b) => a - b),
  );
  const none = renderComparison(compareStudies(smallStudy("a", 0), resultsOf([], { name: "b" })));
  assert.match(none, /No cell of the two studies is the same experiment/);
});

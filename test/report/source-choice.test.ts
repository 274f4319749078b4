import assert from "node:assert/strict";
import { test } from "node:test";
import { buildReport } from "../../report/build.js";
import type { RecordValues, StudyOutcomes } from "../../statistics/outcomes.js";
import { cellName } from "../../study/names.js";
import type { CellResult, StudyResults } from "../../study/results.js";
import { shown } from "./shown.js";
import { cellOf, type Place, resultsOf } from "./study.js";

const RECORDS = 200;
type Level = Record<string, number>;

interface Design {
  sets?: number;
  dense?: number;
  task?: string;
  method?: "wanda" | "magnitude";
  more?: object;
  /** What a set has above its source's level, in records of both tasks. */
  sway?: (set: number) => [first: number, second: number];
}

/** A study in which a source's sets answer the first records of each task right, as many as `levels` has, give or take some a set. */
function study(levels: Level, design: Design = {}) {
  const { sets = 4, dense = 0.8, task = "boolq", method = "wanda", more = {} } = design;
  const { sway = (set) => [2 * (set % 2), -3 * (set % 3)] } = design;
  const cells: CellResult[] = [];
  const values = new Map<string, RecordValues[]>();
  const add = (place: Place, counts: number[]) => {
    const tasks = { piqa: counts[0] / RECORDS, [task]: counts[1] / RECORDS };
    const cell = cellOf(place, { tasks });
    cells.push(cell);
    values.set(
      cellName(cell),
      counts.map((count) => Uint8Array.from({ length: RECORDS }, (_, record) => Number(record < count))),
    );
  };
  add({}, [RECORDS * 0.8, RECORDS * dense]);
  for (const [source, level] of Object.entries(levels))
    for (let set = 0; set < sets; set++) {
      const [first, second] = sway(set);
      add({ method, source, set }, [level + first, level + second]);
    }
  const outcomes: StudyOutcomes = {
    tasks: [
      { task: "piqa", records: RECORDS, chance: 0.5, majority: null },
      { task, records: RECORDS, chance: 0.5, majority: 0.62 },
    ],
    cells: values,
  };
  return { results: resultsOf(cells, more), outcomes };
}

function told({ results, outcomes }: { results: StudyResults; outcomes?: StudyOutcomes }) {
  const { html, json } = buildReport(results, outcomes);
  const { recommendations } = JSON.parse(json).analyses.models[0];
  return { html, text: recommendations[0]?.text as string | undefined, recommendation: recommendations[0] };
}

test("a source that is better than all others is recommended, with what the worst would cost", () => {
  const { text, recommendation, html } = told(study({ news: 100, novels: 140, code: 60 }));
  assert.equal(recommendation.source, "novels");
  assert.deepEqual(recommendation.alike, []);
  assert.match(
    text ?? "",
    /Take novels: its mean accuracy of 69\.69 % is the highest, better than news and code \(corrected p /,
  );
  assert.match(text ?? "", /The worst choice, code, would cost 40\.00 points \(between /);
  assert.match(html, /<h2>Which source\?<\/h2>/);
  assert.match(shown(html), /news − novels[\s\S]*−20\.00/);
});

test("sources that can't be told apart are said to serve as well", () => {
  const { text, recommendation } = told(study({ news: 139, novels: 140, code: 60 }));
  assert.deepEqual(recommendation.alike, ["news"]);
  assert.match(
    text ?? "",
    /better than code .* From news it can't be told apart, so that serves as well for all that is known/,
  );
});

/** The texts of the first row of the answers. */
function answer(html: string): string[] {
  const [, row] = /<h2>Answers<\/h2>[\s\S]*?<tbody>(<tr>[\s\S]*?<\/tr>)/.exec(html) ?? [];
  return Array.from((row ?? "").matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/g), ([, cell]) => cell.replace(/<[^>]*>/g, ""));
}

test("the page begins with the answers: whether the source matters, which to take, how far the sets lie apart", () => {
  const answerOf = (...given: Parameters<typeof study>) => answer(told(study(...given)).html);
  assert.deepEqual(answerOf({ news: 139, novels: 140, code: 60 }), [
    ...["tiny", "wanda", "yes", "novels, or news", "69.69", "42.00"],
  ]);
  assert.deepEqual(answerOf({ news: 100, novels: 101 }).slice(2, 4), ["not shown", "any; novels was highest"]);
  assert.deepEqual(answerOf({ news: 100, novels: 140 }, { sets: 1 }).slice(2, 5), ["too few sets to say", "–", "–"]);
  assert.deepEqual(answerOf({ news: 100 }), []);
});

test("where no two sources differ the choice is not said to matter, and what would have been found is", () => {
  const { text } = told(study({ news: 100, novels: 101 }));
  assert.match(text ?? "", /That the choice of source matters is not shown/);
  assert.match(text ?? "", /Differences of [\d.]+ points or more would have been found with a probability of 80 %/);
  assert.match(text ?? "", /its true cost is at most [\d.]+ points, and may be none/);
});

test("bounds that are larger than accuracies can differ by are not given as bounds", () => {
  const { text } = told(study({ news: 100, novels: 101 }, { sets: 2, sway: (set) => [80 * set, 80 * set] }));
  assert.match(text ?? "", /no difference that accuracies can have would have been found with a probability of 80 %/);
  assert.match(text ?? "", /so few sets set no bound to its true cost, which may be none/);
});

test("a source's share whose interval lies below 0 is not said to be known exactly", () => {
  const { text, html } = told(study({ news: 100, novels: 100 }, { sway: (set) => [20 * set, 20 * set] }));
  assert.match(text ?? "", /the source accounts for 0 % \(sources differ less than chance makes them\)/);
  assert.doesNotMatch(shown(html), /\b0 % \(0 % to 0 %\)/);
});

test("one set a source gives no number, and says what is missing", () => {
  const { html, text, recommendation } = told(study({ news: 100, novels: 140 }, { sets: 1 }));
  assert.equal(recommendation.source, null);
  assert.match(text ?? "", /two finished sets a source at least are needed/);
  assert.match(shown(html), /news − novels[\s\S]{0,80}two sets at least are needed/);
});

test("without the records' outcomes the report says why there is no comparison", () => {
  const { results } = study({ news: 100, novels: 140 });
  const outcomes = { tasks: [], cells: new Map(), missing: "The file has changed (piqa.jsonl)." };
  const { html, recommendation } = told({ results, outcomes });
  assert.match(
    html,
    /can&#39;t be compared record by record\. The file has changed|can't be compared record by record\. The file has changed/,
  );
  assert.equal(recommendation, undefined);
});

test("a task on which the dense model only guesses is warned of where it moves the mean", () => {
  const guessed = study({ news: 100, novels: 140 }, { dense: 0.6 });
  assert.match(
    told(guessed).html,
    /boolq moves the mean: \d+ % of its variance over the sets is from this one of 2 tasks, but the dense model \(60\.00 %, standard error [\d.]+\) does no better there than always giving the most frequent answer \(62\.00 %\)/,
  );
  assert.doesNotMatch(told(study({ news: 100, novels: 140 }, { dense: 0.9 })).html, /moves the mean/);
});

test("tasks' means of equal counts are equal, and don't spread in the last bit", () => {
  // 0.1 + 0.2 + 0.7 and 0.7 + 0.2 + 0.1 differ in the last bit.
  const counts = [
    [0.1, 0.2, 0.7],
    [0.7, 0.2, 0.1],
  ];
  const cells = counts.map(([a, b, c], set) => cellOf({ method: "rtn", set }, { tasks: { a, b, c } }));
  assert.notEqual(0.1 + 0.2 + 0.7, 0.7 + 0.2 + 0.1);
  assert.match(buildReport(resultsOf(cells)).summary, /33\.33 ± 0 /);
});

test("models, methods and sizes are compared on the same sets", () => {
  const parts = (["gptq", "wanda"] as const).map((method, i) =>
    study({ news: 100 + 40 * i, novels: 110 + 40 * i }, { method: method as "wanda" }),
  );
  const results = resultsOf([...parts[0].results.cells, ...parts[1].results.cells.slice(1)]);
  const cells = new Map(parts.flatMap(({ outcomes }) => Array.from(outcomes.cells)));
  const { statistics } = JSON.parse(buildReport(results, { tasks: parts[0].outcomes.tasks, cells }).json);
  const family = statistics.comparisons.find((each: { kind: string }) => each.kind === "method");
  const [{ first, second, sets, figures }] = family.comparisons;
  assert.deepEqual([first, second, sets], ["gptq", "wanda", [8, 8]]);
  assert.ok(Math.abs(figures.value + 0.2) < 1e-12);
  assert.ok(figures.correctedP < 0.001);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { buildReport } from "../../report/build.js";
import { html, trusted } from "../../report/markup.js";
import type { StudyResults } from "../../study/results.js";
import { realisticStudy } from "./realistic.js";
import { cellOf, resultsOf, settingsOf } from "./study.js";

test("the html tag escapes strings, keeps markup, joins lists and drops nothing", () => {
  const inner = html`<b title="${"\"&'"}">${"<i>"}</b>`;
  assert.equal(inner.text, '<b title="&quot;&amp;&#39;">&lt;i&gt;</b>');
  assert.equal(html`${[inner, 1, null, undefined]}${trusted("<hr>")}`.text, `${inner.text}1<hr>`);
});

/** Every text that a person or a data set puts into a study. */
function hostileStudy(evil: string): StudyResults {
  const place = { method: "gptq" as const, source: evil, model: evil };
  const measured = { tasks: { [evil]: 0.5 }, perplexities: { [evil]: 20 } };
  const cell = cellOf({ ...place, set: 0 }, measured);
  const cells = [cellOf({ model: evil }, measured), { ...cell, methodLabel: evil, calibrationDigest: evil }];
  const noised = { ...cellOf({ ...place, noise: 0 }, measured), methodLabel: evil };
  const coordinates = {
    model: evil,
    method: settingsOf("wanda"),
    methodLabel: evil,
    source: evil,
    size: 1,
    set: 0,
    noise: null,
  };
  return resultsOf([...cells, noised], {
    name: evil,
    spec: { [evil]: evil },
    failed: [{ ...coordinates, errorType: evil, message: evil, at: evil, worker: evil, log: [evil] }],
    skipped: [{ ...coordinates, set: 1, reason: evil }],
    cancelled: [evil],
    contamination: [{ source: evil, set: 0, task: evil, records: 1 }],
    environment: { [evil]: evil },
    dataFreeMethods: [evil],
  });
}

test("hostile names are shown as text and make no markup", () => {
  for (const evil of [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'</style><svg/onload=alert(1)>",
    "</title><b>",
  ]) {
    const page = buildReport(hostileStudy(evil)).html;
    assert.ok(!page.includes(evil), evil);
    assert.ok(!/<script|<img|onerror=[^&]*>.*<img/.test(page), evil);
    assert.equal(page.match(/<title>/g)?.length, 1);
    assert.equal(page.match(/<\/style>/g)?.length, 1);
  }
});

test("whatever names are made of, the page's markup is that of a plain name", () => {
  const markup = (name: string) => buildReport(hostileStudy(name)).html.match(/<[/!a-z]+/gi) ?? [];
  const plain = markup("name");
  const pieces = [
    "<",
    ">",
    '"',
    "'",
    "&",
    "</title>",
    "</style>",
    "</script>",
    "<!--",
    "-->",
    "<svg onload=",
    "javascript:",
    "`",
    "a",
    " ",
  ];
  const name = fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 8 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(name, (evil) => assert.deepEqual(markup(evil), plain)),
    { numRuns: 50 },
  );
});

test("the page refers to nothing outside itself", () => {
  const page = buildReport(realisticStudy({ sizes: [16, 128], sets: 2 })).html;
  const addresses = page.match(/\b(?:src|href|action|data|poster|srcset)="[^"]*"|url\([^)]*\)|@import/g) ?? [];
  assert.deepEqual(addresses, ['href="data:,"']);
  const hosts = page.match(/https?:\/\/[^"\s<]+/g) ?? [];
  assert.deepEqual(
    [...new Set(hosts)].filter((host) => !host.startsWith("http://www.w3.org/")),
    [],
  );
  assert.ok(!page.includes("<script"));
});

test("the page has a chart for each method of each headline measure, each described", () => {
  const page = buildReport(realisticStudy()).html;
  const charts = page.match(/<svg role="img" aria-label="[^"]{20,}"/g) ?? [];
  assert.equal(charts.length, 2 * 4);
  assert.equal(page.match(/by set size/g), null);
});

test("a study of several sizes has charts and tables by size", () => {
  const page = buildReport(realisticStudy({ sizes: [16, 128], sets: 2 })).html;
  const charts = page.match(/<svg role="img"/g) ?? [];
  assert.equal(charts.length, 2 * 4 + 2 * 2);
  assert.match(page, /Mean accuracy by set size/);
  assert.match(page, /<summary>16 sequences a set<\/summary>/);
});

test("the page says what was found, what failed, what isn't finite and what was contaminated", () => {
  const page = buildReport(realisticStudy()).html;
  assert.match(
    page,
    /Over 15 calibration sets of 128 sequences from 3 sources, with all else equal, mean accuracy ranged over/,
  );
  assert.match(page, /rtn and magnitude, which look at no data, gave exactly the same figures for every set/);
  assert.match(page, /1 of 77 cells failed/);
  assert.match(page, /NumericalError/);
  assert.match(page, /1 figure is NaN or infinite/);
  assert.match(page, /Evaluation records found in calibration sets/);
});

test("a failed cell is shown with its place and last lines, a skipped one with its reason, a cancelled model by name", () => {
  const [{ evaluations: _, ...cell }] = realisticStudy().cells;
  const failed = {
    ...cell,
    errorType: "OutOfMemory",
    message: "Memory ran out.",
    at: "block 8 of 30",
    worker: "w@host",
  };
  const page = buildReport({
    ...realisticStudy(),
    failed: [{ ...failed, log: ["std::bad_alloc"] }],
    skipped: [{ ...cell, reason: "not needed" }],
    cancelled: ["llama-7b"],
  }).html;
  assert.match(page, /OutOfMemory<\/strong>: Memory ran out\. <small>\(block 8 of 30, w@host\)<\/small>/);
  assert.match(page, /<pre>std::bad_alloc<\/pre>/);
  assert.match(page, /Cells that were skipped[\s\S]*dense<\/th><td class="text message">not needed</);
  assert.match(page, /1 of 78 cells failed, 1 of 78 cells skipped, llama-7b cancelled; all figures/);
});

test("a broken null control is said at the top", () => {
  const cells = [0.5, 0.6].map((piqa, set) => cellOf({ method: "rtn", set }, { tasks: { piqa } }));
  const { html: page, summary } = buildReport(resultsOf(cells));
  assert.match(page, /Warning: rtn looks at no data, yet figures differ/);
  assert.match(summary, /null control FAIL/);
});

test("a study without any finished cell has a report that says so", () => {
  const { html: page, csv, summary } = buildReport(resultsOf([]));
  assert.match(page, /No cell has finished/);
  assert.equal(csv.trimEnd().split("\n").length, 1);
  assert.match(summary, /No cell has finished/);
});

test("a study without tasks is judged by its first perplexity", () => {
  const cells = [20, 22].map((text, set) => cellOf({ method: "gptq", set }, { perplexities: { text } }));
  const page = buildReport(resultsOf(cells)).html;
  assert.match(page, /perplexity on text ranged over 2\.00 with gptq/);
  assert.ok(!page.includes("mean accuracy"));
});

test("several models have a section each, under one overview", () => {
  const cells = ["small", "large"].flatMap((model) =>
    [0.5, 0.6].map((piqa, set) =>
      cellOf({ model, method: "gptq", set }, { tasks: { piqa: model === "small" ? piqa : 0.7 } }),
    ),
  );
  const page = buildReport(resultsOf(cells)).html;
  assert.match(page, /Across 2 models, the choice of calibration data moved mean accuracy most for gptq on small/);
  assert.match(page, /<h2>small<\/h2>[\s\S]*<h2>large<\/h2>/);
});

test("the same results give the same bytes", () => {
  assert.deepEqual(buildReport(realisticStudy()), buildReport(realisticStudy()));
});

test("the JSON holds the results as given and the statistics", () => {
  const study = realisticStudy();
  const { results, statistics } = JSON.parse(buildReport(study).json);
  assert.deepEqual(results, JSON.parse(JSON.stringify(study)));
  assert.equal(statistics.models[0].methods.length, 4);
});

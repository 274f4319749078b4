import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { buildReport } from "../../report/build.js";
import { html, trusted } from "../../report/markup.js";
import { pageScript } from "../../report/page-script.js";
import type { CellCoordinates, StudyResults } from "../../study/results.js";
import { realisticStudy } from "./realistic.js";
import { cellOf, resultsOf, settingsOf } from "./study.js";
import { wideStudy } from "./wide.js";

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

/** The page's own script is the only one. */
function withoutOwnScript(page: string): string {
  assert.equal(page.match(/<script/g)?.length, 1);
  return page.replace(`<script>${pageScript}</script>`, "");
}

test("hostile names are shown as text and make no markup", () => {
  for (const evil of [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'</style><svg/onload=alert(1)>",
    "</title><b>",
  ]) {
    const page = withoutOwnScript(buildReport(hostileStudy(evil)).html);
    assert.ok(!page.includes(evil), evil);
    assert.ok(!/<script|<img|onerror=[^&]*>.*<img/.test(page), evil);
    assert.equal(page.slice(0, page.indexOf("<body>")).match(/<title>/g)?.length, 1);
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
  const inside = /^href="(?:#[\w-]+|data:,|data:application\/vnd\.apache\.parquet;base64,[\w+/=]+)"$/;
  assert.deepEqual(
    addresses.filter((address) => !inside.test(address)),
    [],
  );
  const hosts = page.match(/https?:\/\/[^"\s<]+/g) ?? [];
  assert.deepEqual(
    [...new Set(hosts)].filter((host) => !host.startsWith("http://www.w3.org/")),
    [],
  );
});

test("the page's policy allows its own script, and nothing else", () => {
  const page = buildReport(realisticStudy()).html;
  const [, script = ""] = page.match(/<script>([\s\S]*?)<\/script>/) ?? [];
  const digest = createHash("sha256").update(script).digest("base64");
  assert.ok(
    page.includes(
      `content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-${digest}'"`,
    ),
  );
  assert.ok(script.length < 20_000);
});

test("every link leads to a place of the page, and each place is there once", () => {
  const { cells, ...rest } = realisticStudy({ sizes: [16, 128], sets: 2, perturbed: true });
  const [place, ...others] = cells.slice(1);
  const page = buildReport({ ...rest, cells: [cells[0], ...others], pending: [place] }).html;
  const ids = (page.match(/\bid="[^"]*"/g) ?? []).map((id) => id.slice(4, -1));
  assert.equal(new Set(ids).size, ids.length);
  const targets = (page.match(/href="#[^"]*"/g) ?? []).map((href) => href.slice(7, -1));
  assert.ok(targets.length > 100);
  assert.deepEqual(
    targets.filter((target) => !ids.includes(target)),
    [],
  );
});

test("every rounded figure of a table has itself in full, and every column a name of its own", () => {
  const studies = [realisticStudy({ sizes: [16, 128], perturbed: true }), wideStudy({ blocks: 2 })];
  const tables = studies.flatMap((results) => buildReport(results).html.match(/<table>[\s\S]*?<\/table>/g) ?? []);
  assert.ok(tables.length > 30, `${tables.length}`);
  for (const table of tables) {
    const caption = table.match(/<caption><span>(.*?)<\/span>/)?.[1];
    const names = (table.match(/ data-name="[^"]*"/g) ?? []).map((name) => name.toLowerCase());
    assert.deepEqual([...new Set(names)], names, caption);
    const entries = [...table.matchAll(/<td\b([^>]*)>([\s\S]*?)(?=<\/?t[dr]\b)/g)];
    const rounded = entries.filter(
      ([, attributes, text]) => !/ (data-|class="text"|colspan)/.test(attributes) && /\d\.\d| %/.test(text),
    );
    assert.deepEqual(
      rounded.map(([entry]) => entry),
      [],
      caption,
    );
  }
});

test("what is still to come is marked, source by source and cell by cell", () => {
  const { cells, ...rest } = realisticStudy();
  const isOpen = ({ methodLabel, source, set }: CellCoordinates) =>
    methodLabel === "gptq" && source === "news" && (set ?? 0) > 1;
  const page = buildReport({
    ...rest,
    cells: cells.filter((cell) => !isOpen(cell)),
    pending: cells.filter(isOpen),
  }).html;
  assert.match(page, /73 of 77 cells so far, 1 of 77 cells failed; all figures leave out what is missing/);
  assert.match(page, /<th scope="row">news<\/th><td colspan="\d+">2 of 5 sets so far<\/td>/);
  assert.equal(page.match(/not computed yet/g)?.length, 3);
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
  assert.match(page, /Cells that were skipped[\s\S]*dense<\/a><\/th><td class="text message">not needed</);
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

test("where no figure changes with the data, none is said to be moved, nor one source higher", () => {
  const cells = ["m-7b", "m-13b"].flatMap((model) =>
    ["news", "novels"].flatMap((source) =>
      [0, 1].map((set) => cellOf({ model, method: "gptq", source, set }, { tasks: { piqa: 0.6 } })),
    ),
  );
  const page = buildReport(resultsOf(cells)).html;
  assert.match(page, /Across 2 models, the choice of calibration data changed mean accuracy nowhere\./);
  assert.doesNotMatch(page, /was highest/);
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

test("a page of chosen records says so beside its title", () => {
  const study = realisticStudy();
  const chosen = (cell: StudyResults["cells"][number]) => ({
    ...cell,
    evaluations: cell.evaluations.map((each) =>
      each.kind === "task" ? { ...each, count: 20, chosen: "digest" } : each,
    ),
  });
  const text = "20 records a task, of which the dense model and the pilot are least certain";
  assert.ok(buildReport({ ...study, cells: study.cells.map(chosen) }).html.includes(text));
  assert.ok(!buildReport(study).html.includes("least certain"));
});

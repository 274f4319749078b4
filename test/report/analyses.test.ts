import assert from "node:assert/strict";
import { test } from "node:test";
import { buildReport } from "../../report/build.js";
import type { StudyResults } from "../../study/results.js";
import { realisticStudy } from "./realistic.js";
import { wideStudy } from "./wide.js";

const study = wideStudy({ sizes: [8, 64], sets: 3, blocks: 4 });
const report = buildReport(study);

/** What a page shows: without its script and downloads. */
function seen(html: string): string {
  return html.replace(/<script>[\s\S]*?<\/script>|href="data:[^"]*"|NaN or infinite/g, "");
}

test("a study of all dimensions has every analysis on its page, and nothing that it can't say", () => {
  for (const heading of [
    "How many examples suffice",
    "Bits and sparsity",
    "Sensitivity by layer",
    "Dispersion against model size",
    "Base and tuned models",
  ])
    assert.ok(report.html.includes(`<h2>${heading}</h2>`), heading);
  for (const summary of ["Each doubling", "Best and worst set of each task", "Where perplexity and accuracy disagree"])
    assert.ok(report.html.includes(`<summary>${summary}</summary>`), summary);
  assert.ok(!report.html.includes("What this study can't say"));
});

test("the JSON has the figures of all analyses, without NaN", () => {
  const { analyses } = JSON.parse(report.json);
  assert.deepEqual(
    Object.values(analyses).map((list) => (list as unknown[]).length),
    [study.models?.length, 1, 1],
  );
  // Recommendations need outcomes of single records.
  for (const model of analyses.models)
    for (const [name, list] of Object.entries(model))
      if (name !== "model" && name !== "recommendations") assert.ok((list as unknown[]).length > 0, name);
  assert.ok(!/NaN|undefined/.test(seen(report.html)));
});

test("the same results give the same bytes", () => {
  assert.deepEqual(buildReport(wideStudy({ sizes: [8, 64], sets: 3, blocks: 4 })), report);
});

test("hostile names are shown as text in every analysis", () => {
  const evil = '"><img src=x onerror=alert(1)>';
  const renamed: StudyResults = JSON.parse(
    JSON.stringify(wideStudy({ sizes: [8, 64], sets: 2, blocks: 2 })).replaceAll(
      /"(wikipedia|gptq-bits2|vicuna-7b|wikitext2|mlp\.up_proj)"/g,
      (_, name) => JSON.stringify(`${name}${evil}`),
    ),
  );
  const { html } = buildReport(renamed);
  assert.ok(html.includes("vicuna-7b&quot;&gt;&lt;img"));
  assert.ok(!html.includes("<img"));
});

test("failed cells and figures that aren't finite are left out of every analysis", () => {
  const isLost = (_: unknown, i: number) => i % 5 === 3;
  const less = { ...study, cells: study.cells.filter((cell, i) => cell.method === null || !isLost(cell, i)) };
  const failed = study.cells.filter((cell, i) => cell.method !== null && isLost(cell, i));
  const broken: StudyResults = {
    ...less,
    cells: less.cells.map((cell, i) =>
      i % 7 === 2 ? { ...cell, evaluations: cell.evaluations.map(nonFinite) } : cell,
    ),
    failed: failed.map((cell) => ({
      ...cell,
      errorType: "NumericalError",
      message: "",
      at: null,
      worker: null,
      log: [],
    })),
  };
  const { html, json } = buildReport(broken);
  assert.ok(!/NaN|Infinity/.test(seen(html)));
  assert.ok(!/[^"]NaN|[^"]Infinity/.test(json));
});

test("a study with one of everything says what it would need for each analysis", () => {
  const { html } = buildReport(realisticStudy());
  const [, list] = html.match(/<summary>What this study can't say<\/summary>([\s\S]*?)<\/ul>/) ?? [];
  assert.equal(list?.match(/<li>/g)?.length, 5);
});

function nonFinite(evaluation: StudyResults["cells"][number]["evaluations"][number]) {
  const figure = { value: null, nonFinite: "nan" as const };
  return { ...evaluation, metrics: Object.fromEntries(Object.keys(evaluation.metrics).map((name) => [name, figure])) };
}

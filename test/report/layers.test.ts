import assert from "node:assert/strict";
import { test } from "node:test";
import { buildReport } from "../../report/build.js";
import { layerErrorCollector } from "../../report/layer-errors.js";
import { layerSentence } from "../../report/layer-figure.js";
import { layerSensitivities } from "../../report/layer-sensitivity.js";
import { studyStatistics } from "../../report/statistics.js";
import type { CellResult } from "../../study/results.js";
import { shown } from "./shown.js";
import { cellOf, type Place, resultsOf } from "./study.js";

const linears = ["self_attn.q_proj", "mlp.down_proj"];
const cellWith = (place: Place, blocks: readonly (readonly (number | null)[])[]): CellResult => ({
  ...cellOf({ method: "gptq", ...place }, { tasks: { piqa: 0.5 } }),
  layers: { linears, blocks },
});

function studyOf(cells: readonly CellResult[]) {
  const collector = layerErrorCollector();
  const taken = cells.map(collector.take);
  const results = resultsOf(taken, { layers: collector.summaries() });
  return { results, sensitivities: layerSensitivities(results, studyStatistics(results).models[0]) };
}

const cells = [
  cellWith({ source: "news", set: 0 }, [
    [0.01, 0.02],
    [0.03, 0.1],
  ]),
  cellWith({ source: "news", set: 1 }, [
    [0.01, 0.04],
    [0.03, 0.1],
  ]),
  cellWith({ source: "novel", set: 0 }, [
    [0.01, 0.09],
    [0.03, 0.1],
  ]),
];

test("cells are gathered by source, and what is kept of them is a mean and a deviation", () => {
  const { results } = studyOf(cells);
  assert.ok(results.cells.every((cell) => cell.layers === undefined));
  const [news, novel] = results.layers ?? [];
  assert.deepEqual([news.source, news.cells, novel.source, novel.cells], ["news", 2, "novel", 1]);
  assert.deepEqual(news.means, [
    [0.01, 0.03],
    [0.03, 0.1],
  ]);
  assert.equal(news.deviations[0][1], Number(Math.sqrt(0.0002).toPrecision(6)));
  assert.equal(novel.deviations[0][1], null);
});

test("the error that depends most on the data is the one with the largest deviation over all sets for its mean", () => {
  const [{ method, cells: sets, means, variations, mostVarying }] = studyOf(cells).sensitivities;
  assert.deepEqual([method, sets], ["gptq", 3]);
  assert.deepEqual(means, [
    [0.01, 0.05],
    [0.03, 0.1],
  ]);
  const deviation = Math.sqrt((0.03 ** 2 + 0.01 ** 2 + 0.04 ** 2) / 2);
  assert.equal(variations[0][1], Number((deviation / 0.05).toPrecision(4)));
  assert.equal(variations[1][1], 0);
  const [{ block, linear, highest, lowest }] = mostVarying;
  assert.deepEqual(
    { block, linear, highest, lowest },
    {
      block: 0,
      linear: "mlp.down_proj",
      highest: { source: "novel", mean: 0.09 },
      lowest: { source: "news", mean: 0.03 },
    },
  );
});

test("noise replicates and smaller sets are no part of it", () => {
  const others = [
    cellWith({ source: "news", set: 0, noise: 0 }, [
      [1, 1],
      [1, 1],
    ]),
    cellWith({ source: "news", set: 0, size: 16 }, [
      [1, 1],
      [1, 1],
    ]),
  ];
  assert.deepEqual(studyOf([...others, ...cells]).sensitivities, studyOf(cells).sensitivities);
});

test("a linear that one set doesn't reach, or a block hasn't, has no figure", () => {
  const [, ...rest] = cells;
  const [{ means, variations }] = studyOf([
    cellWith({ source: "news", set: 0 }, [
      [null, 0.02],
      [0.03, 0.1],
    ]),
    ...rest,
  ]).sensitivities;
  assert.deepEqual([means[0][0], variations[0][0], means[0][1]], [null, null, 0.05]);
});

test("one set has errors and no dependence on the data", () => {
  const [sensitivity] = studyOf(cells.slice(0, 1)).sensitivities;
  assert.deepEqual(sensitivity.mostVarying, []);
  assert.match(
    layerSentence(sensitivity),
    /most in block 1 mlp\.down_proj \(10 %\)\. How much that depends on the data isn't known/,
  );
});

test("the page draws a square for every figure, described, and has the same as a table", () => {
  const { html } = buildReport(studyOf(cells).results);
  const maps = html.match(/<svg role="img" aria-label="gptq: [^"]*2 blocks by 2 linears[^"]*"[\s\S]*?<\/svg>/g) ?? [];
  assert.equal(maps.length, 2);
  assert.equal(maps[0].match(/<path d="M[^"]*" opacity="[\d.]+"\/>/g)?.length, 4);
  assert.match(
    html,
    /depends most on the data in block 0 mlp\.down_proj, where .* 9\.0 % with novel, 3\.0 % with news/,
  );
  assert.match(
    shown(html),
    /<th>block 1<\/th><td>3\.0 % <small>± 0 %<\/small><\/td><td>10 % <small>± 0 %<\/small><\/td>/,
  );
});

test("cells of earlier versions have no layers, and the page says what it would need", () => {
  const { html } = buildReport(resultsOf([cellOf({ method: "gptq" }, { tasks: { piqa: 0.5 } })]));
  assert.ok(!html.includes("Sensitivity by layer"));
  assert.match(html, /Which layers depend most on the data: it needs cells of/);
});

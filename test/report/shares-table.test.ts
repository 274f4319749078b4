import assert from "node:assert/strict";
import { test } from "node:test";
import { buildReport } from "../../report/build.js";
import { realisticStudy } from "./realistic.js";
import { shown } from "./shown.js";
import { cellOf, resultsOf } from "./study.js";

const sharesOf = (html: string) => html.match(/Shares of the variance over sets[\s\S]*?<\/table>/g)?.at(-1) ?? "";

test("shares of variance stand with their intervals, for methods that use data alone", () => {
  const shares = shown(sharesOf(buildReport(realisticStudy()).html));
  assert.match(shares, /gptq<\/th><td>mean accuracy<\/td>(<td>\d+ % \(\d+ % to \d+ %\)<\/td>){3}/);
  assert.doesNotMatch(shares, /rtn|magnitude/);
});

test("with one set a source nothing is shared out, and the page says what is missing", () => {
  const cells = ["news", "novels"].map((source, i) =>
    cellOf({ method: "gptq", source }, { tasks: { piqa: 0.6 + i / 10 } }),
  );
  assert.match(sharesOf(buildReport(resultsOf(cells)).html), /not known: two sets a source at least are needed/);
});

test("a spread that noise explains is called so beside its shares", () => {
  const values = [0.6, 0.61, 0.6, 0.62];
  const cells = [
    ...values.map((piqa, i) =>
      cellOf({ method: "gptq", source: ["news", "novels"][i % 2], set: i >> 1 }, { tasks: { piqa } }),
    ),
    ...[0.58, 0.6, 0.63].map((piqa, noise) => cellOf({ method: "gptq", source: "news", noise }, { tasks: { piqa } })),
  ];
  assert.match(sharesOf(buildReport(resultsOf(cells)).html), /within noise/);
});

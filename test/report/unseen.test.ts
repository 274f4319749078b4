import assert from "node:assert/strict";
import { test } from "node:test";
import { buildReport } from "../../report/build.js";
import { cellOf, resultsOf } from "./study.js";

const figures = { perplexities: { text: 12 } };
const unseen = [
  { block: 3, name: "mlp.experts.5.up_proj.weight", became: "dense" },
  { block: 3, name: "mlp.experts.5.down_proj.weight", became: "rtn" },
] as const;

test("the report lists the linears that no calibration token reached, with their cell and what became of them", () => {
  const cells = [{ ...cellOf({ method: "gptq", source: "news", set: 1 }, figures), unseen }, cellOf({}, figures)];
  const { html, summary } = buildReport(resultsOf(cells));
  const table = html.slice(html.indexOf("Linears that no calibration token reached"));
  assert.match(
    table,
    /gptq.*news[\s\S]*block 3 mlp\.experts\.5\.up_proj\.weight: left dense; .*down_proj\.weight: rounded to nearest/,
  );
  assert.match(summary, /No calibration token reached 2 linears of 1 cell: left dense and rounded to nearest\./);
});

test("where tokens reached all linears nothing is said of it", () => {
  const { html, summary } = buildReport(resultsOf([cellOf({ method: "gptq" }, figures)]));
  assert.doesNotMatch(html + summary, /calibration token/);
});

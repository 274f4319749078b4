import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { renderCsv } from "../../report/csv.js";
import { realisticStudy } from "./realistic.js";
import { cellOf, resultsOf } from "./study.js";

function rowsOf(text: string): Record<string, string>[] {
  return parse(text, { columns: true });
}

test("there is a row for each cell, evaluation and metric", () => {
  const study = realisticStudy();
  const rows = rowsOf(renderCsv(study));
  const metrics = study.cells.flatMap(({ evaluations }) => evaluations.flatMap((e) => Object.keys(e.metrics)));
  assert.equal(rows.length, metrics.length);
  const places = rows.map((row) => [
    row.model,
    row.method,
    row.source,
    row.size,
    row.set,
    row.noise,
    row.kind,
    row.evaluation,
    row.metric,
  ]);
  assert.equal(new Set(places.map((place) => JSON.stringify(place))).size, rows.length);
});

test("figures keep all their digits, non-finite ones their names, absent ones are empty", () => {
  fc.assert(
    fc.property(fc.double(), (text) => {
      const [row] = rowsOf(renderCsv(resultsOf([cellOf({}, { perplexities: { text } })])));
      const spelled = { nan: Number.NaN, inf: Number.POSITIVE_INFINITY, "-inf": Number.NEGATIVE_INFINITY }[row.value];
      // A negative zero is written as zero.
      assert.equal(spelled ?? Number(row.value) + 0, text + 0);
      assert.deepEqual([row.method, row.source, row.set, row.noise, row.standard_error], ["dense", "", "", "", ""]);
    }),
  );
});

test("any name survives: commas, quotes, line ends", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: "grapheme" }), (name) => {
      const source = `${name},"\r\n;`;
      const [row] = rowsOf(
        renderCsv(resultsOf([cellOf({ method: "gptq", source }, { tasks: { [`${name}.`]: 0.5 } })], { name })),
      );
      assert.deepEqual([row.study, row.source, row.evaluation], [name, source, `${name}.`]);
      assert.equal(JSON.parse(row.settings).bits, 4);
    }),
  );
});

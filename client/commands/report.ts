import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { type Comparison, compareStudies } from "../../report/compare.js";
import { renderComparison } from "../../report/compare-html.js";
import { headlines } from "../../report/measures.js";
import { countOf, formatSummary, MISSING } from "../../report/numbers.js";
import { savedReport } from "../saved-report.js";
import { printJson, renderTable } from "./output.js";

/** `touchstone report ...`: what is made of reports, without a server. */
export function reportsCommand(): Command {
  return new Command("report").description("work with reports of studies").addCommand(compareCommand());
}

interface CompareOptions {
  out?: string;
  bucket?: string;
  prefix?: string;
  json?: boolean;
}

function compareCommand(): Command {
  return new Command("compare")
    .description("put two studies side by side: what they were told otherwise, and how their figures differ")
    .argument("<first>", "name of a study in the store, a report.json, or a folder that has one")
    .argument("<second>", "the same of the other study; differences are second less first")
    .option("--out <folder>", "folder for index.html (default: reports/FIRST-and-SECOND)")
    .option("--bucket <name>", "bucket that has studies given by name")
    .option("--prefix <prefix>", "what is put before every key there")
    .option("--json", "print one JSON document")
    .action(async (first: string, second: string, { out, json, ...location }: CompareOptions) => {
      const comparison = compareStudies(await savedReport(first, location), await savedReport(second, location));
      const folder = out ?? join("reports", comparison.names.join("-and-"));
      await mkdir(folder, { recursive: true });
      const page = resolve(folder, "index.html");
      await writeFile(page, renderComparison(comparison));
      if (json) printJson({ ...comparison, page });
      else process.stdout.write(`${renderText(comparison)}\n\nPage: ${page}\n`);
    });
}

/** For a terminal: differences of the specifications first, then what isn't compared, then the headline figures. */
function renderText({ names, specification, environment, incomparable, measures, groups }: Comparison): string {
  const text = (value: unknown) => JSON.stringify(value) ?? MISSING;
  const told = [...specification, ...environment].map(({ path, first, second }) => [path, text(first), text(second)]);
  const main = headlines(measures);
  const rows = groups.map(({ model, method, source, size, pairs, measures: by }) => [
    ...[model, method, source ?? "", size === null ? "" : String(size), String(pairs)],
    ...main.flatMap(({ key, kind }) => [
      formatSummary(by[key].first, kind),
      formatSummary(by[key].second, kind),
      formatSummary(by[key].difference, kind),
    ]),
  ]);
  const head = main.flatMap(({ id }) => [`${id}: ${names[0]}`, names[1], "difference"]);
  const columns = ["model", "method", "source", "size", "pairs", ...head];
  const figures = columns.map((_, i) => i).slice(3);
  return [
    told.length === 0
      ? "The specifications and environments are the same."
      : renderTable(["told otherwise", ...names], told),
    ...(incomparable.length === 0
      ? []
      : [
          renderTable(
            ["not compared", "reason", "times"],
            incomparable.map(({ what, why, count }) => [what, why, String(count)]),
            [2],
          ),
        ]),
    rows.length === 0
      ? `No cell of the two studies is the same experiment: there are no figures to compare.`
      : renderTable(columns, rows, figures),
    `${countOf(
      groups.reduce((sum, { pairs }) => sum + pairs, 0),
      "pair",
    )} of cells compared.`,
  ].join("\n\n");
}

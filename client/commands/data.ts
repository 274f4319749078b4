import { Command, InvalidArgumentError } from "commander";
import { isManual } from "../../hub/dataset.js";
import { datasets, datasetsOf, groups } from "../../hub/registry.js";
import { type FetchReport, fetchData } from "../fetch-data.js";
import { formatCount, printJson, renderTable } from "./output.js";

interface FetchCommandOptions {
  out: string;
  shards?: number;
  bytes?: number;
  revision?: string;
  split?: string;
  force?: boolean;
  json?: boolean;
}

/** `touchstone data ...` */
export function dataCommand(): Command {
  return new Command("data")
    .description("fetch benchmarks and corpora from the Hugging Face hub")
    .addCommand(fetchCommand())
    .addCommand(listCommand());
}

function fetchCommand(): Command {
  return new Command("fetch")
    .description("download data sets at a pinned revision, checked; what is there already is not fetched again")
    .argument(
      "<names...>",
      `tasks, sources or texts, see \`touchstone data list\`; ${Object.keys(groups).join(", ")} stand for several`,
    )
    .requiredOption("--out <folder>", "where the files go, local or s3://")
    .option("--shards <number>", "of a source: its first files, or all (default: enough for ten sets)", parseShards)
    .option(
      "--bytes <size>",
      "of a source: its first files up to this size together, as 500M or 2G; at least one",
      parseBytes,
    )
    .option("--revision <commit>", "another commit, branch or tag of the data set")
    .option("--split <name>", "another split, as of the examples before a question: train gives TASK.train.parquet")
    .option("--force", "replace other files, and files of another revision")
    .option("--json", "print one JSON document")
    .action(async (names: string[], options: FetchCommandOptions) => {
      const { out, json, ...wanted } = options;
      const report = await fetchData(datasetsOf(names), out, wanted);
      if (json) printJson(report);
      else process.stdout.write(renderReport(report));
      if (report.failure !== undefined) throw report.failure;
    });
}

function listCommand(): Command {
  return new Command("list").description("what can be fetched by name").action(() => {
    const rows = datasets.map((known) =>
      isManual(known)
        ? [known.name, known.kind, known.page, "", "", known.licence]
        : [known.name, known.kind, known.dataset, known.config, known.split, known.licence],
    );
    const members = Object.entries(groups).map(([name, all]) => `${name}: ${all.map((one) => one.name).join(", ")}`);
    const head = ["name", "kind", "data set", "config", "split", "licence"];
    process.stdout.write(`${renderTable(head, rows)}\n\n${members.join("\n")}\n`);
  });
}

function renderReport({ datasets: fetched, sources }: FetchReport): string {
  if (fetched.length === 0) return "";
  const rows = fetched.map(({ name, files, dataset, revision, downloaded }) => [
    name,
    String(files.length),
    `${formatCount(files.reduce((sum, { size }) => sum + size, 0))}B`,
    `${formatCount(downloaded)}B`,
    `${dataset}@${revision.slice(0, 12)}`,
  ]);
  const table = renderTable(["name", "files", "size", "downloaded", "from"], rows, [1, 2, 3]);
  return sources === "" ? `${table}\n` : `${table}\n\nFor a specification:\n\n${sources}`;
}

function parseShards(text: string): number {
  if (text === "all") return Number.POSITIVE_INFINITY;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a whole number, 1 or more, or all.");
}

const UNITS: Readonly<Record<string, number>> = { "": 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 };

function parseBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?) ?([kmgt]?)b?$/i.exec(text);
  const bytes = match === null ? 0 : Number(match[1]) * UNITS[match[2].toLowerCase()];
  if (bytes >= 1) return bytes;
  throw new InvalidArgumentError("It must be a size such as 500M or 2G.");
}

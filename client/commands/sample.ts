import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { sourceFiles } from "../../calibration/documents.js";
import { sampleSets } from "../../calibration/sample.js";
import { encodeSet, type SampledSet, tokensDigest } from "../../calibration/set.js";
import { openTokenizer } from "../../models/tokenizer-open.js";
import { sourceSchema } from "../../study/source.js";
import { printJson } from "./output.js";

interface SampleOptions {
  source: string[];
  id?: string;
  field: string;
  tokenizer: string;
  size: number;
  length: number;
  seed: number;
  set: number;
  pack: boolean;
  bos: "document" | "window";
  reuse: boolean;
  out: string;
  json?: boolean;
}

/** `touchstone sample`: one calibration set into an Arrow file, as a study would draw it; needs no services. */
export function sampleCommand(): Command {
  return new Command("sample")
    .description("draw a calibration set from documents")
    .requiredOption("--source <file...>", "files, folders or globs, local or s3://: JSON Lines, Parquet, Arrow or text")
    .requiredOption("--tokenizer <model>", "Hugging Face folder or .gguf file whose tokenizer to use")
    .requiredOption("--out <file>", "the set, an Arrow file")
    .option("--field <name>", "field of the records that holds the text", "text")
    .option("--id <name>", "the source's id in a study: part of the draw (default: the first file's name)")
    .option("--size <sequences>", "sequences in the set (in a study: its largest size)", positive, 128)
    .option("--length <tokens>", "tokens a sequence", positive, 2048)
    .option("--seed <number>", "another seed draws other documents", natural, 0)
    .option("--set <index>", "which of the source's disjoint sets", natural, 0)
    .option("--pack", "join documents by the end-of-text token instead of skipping short ones", false)
    .addOption(
      new Option("--bos <where>", "beginning-of-text token at the start of each document, or of each window")
        .choices(["document", "window"])
        .default("document"),
    )
    .option("--reuse", "let sets share documents where there are too few", false)
    .option("--json", "print one JSON document")
    .action(async (options: SampleOptions) => {
      const set = await sample(options);
      const bytes = encodeSet(set);
      await mkdir(dirname(options.out), { recursive: true });
      await writeFile(options.out, bytes);
      const summary = summaryOf(set, options.out);
      if (options.json) printJson(summary);
      else process.stdout.write(renderSummary(summary));
    });
}

async function sample(options: SampleOptions): Promise<SampledSet> {
  const { source: paths, field, size, length, seed, pack, bos, reuse } = options;
  const files = (await Promise.all(paths.map(sourceFiles))).flat();
  const id =
    options.id ??
    basename(files[0])
      .replace(/\..*$/, "")
      .replace(/[^\w.-]/g, "-");
  const [set] = await sampleSets(
    {
      source: sourceSchema.parse({ id, path: paths.join(" "), field }),
      files,
      tokenizer: await openTokenizer(options.tokenizer),
      settings: { length, seed, pack, bos, reuse, largestSize: size },
      sets: [options.set],
    },
    showProgress,
  );
  if (process.stderr.isTTY) process.stderr.write("\n");
  return set;
}

function showProgress(documents: number): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${documents} documents read`);
}

function summaryOf(set: SampledSet, out: string) {
  const { source, settings, index, tokenizer, documents } = set.provenance;
  return {
    out,
    digest: tokensDigest(set),
    source: source.id,
    set: index,
    sequences: set.sequences.length,
    settings,
    tokenizer,
    documents: { ...documents, used: new Set(set.sequences.flatMap((sequence) => sequence.documents)).size },
  };
}

function renderSummary({ out, digest, source, set, sequences, settings, documents }: ReturnType<typeof summaryOf>) {
  return [
    `Set ${set} of ${source}: ${sequences} sequences of ${settings.length} tokens -> ${out}`,
    `  documents: ${documents.seen} seen, ${documents.examined} examined, ${documents.longEnough} long enough, ${documents.used} used`,
    `  digest: ${digest}`,
    "",
  ].join("\n");
}

function natural(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a whole number.");
}

function positive(text: string): number {
  const value = natural(text);
  if (value > 0) return value;
  throw new InvalidArgumentError("It must be 1 or more.");
}

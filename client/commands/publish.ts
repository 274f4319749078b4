import { Command, Option } from "commander";
import { createProcessState } from "../../activities/process-state.js";
import { publishCell } from "../../activities/publish-cell.js";
import { type ExportOptions, exportFormats } from "../../compression/export-format.js";
import { createProgress } from "../../infra/progress.js";
import { useStore } from "../services.js";
import { printJson } from "./output.js";

interface PublishOptions extends ExportOptions {
  out: string;
  bucket?: string;
  prefix?: string;
  json?: boolean;
}

/** `touchstone publish`: a cell's model with its calibration set and the evidence in one folder; needs the object store. */
export function publishCommand(): Command {
  return new Command("publish")
    .description("write a cell's compressed model, its calibration set and the evidence into one folder")
    .argument("<cell>", "STUDY/MODEL/METHOD/SOURCE-nN-setK")
    .requiredOption("--out <folder>", "where it goes")
    .addOption(new Option("--format <format>", "how the linears are stored").choices(exportFormats).default("dense"))
    .addOption(
      new Option("--dtype <type>", "as of `touchstone export` (default: F32 for dense, else F16)").choices([
        "F32",
        "F16",
        "BF16",
      ]),
    )
    .addOption(
      new Option("--checkpoint-format <format>", "of gptq, as of `touchstone export`").choices(["gptq", "gptq_v2"]),
    )
    .option("--bucket <name>", "the specification's checkpoints.bucket (default: the workers' TOUCHSTONE_BUCKET)")
    .option("--prefix <prefix>", "the specification's checkpoints.prefix")
    .option("--json", "print one JSON document")
    .action(async (cell: string, { out, bucket, prefix, json, ...options }: PublishOptions) => {
      const location = await useStore({ bucket, prefix });
      const report = await createProgress().step(`publish ${cell}`, (progress) => {
        const signal = new AbortController().signal;
        const context = { state: createProcessState(), signal, report: told(progress) };
        return publishCell(cell, out, options, location, context);
      });
      if (json) printJson({ out, ...report });
      else process.stdout.write([...report.notes, ...report.files.map((file) => `${out}/${file}`), out, ""].join("\n"));
    });
}

function told(progress: (done: number, total?: number) => void) {
  return ({ stage, done, total }: { stage: string; done: number; total: number }) => {
    if (stage === "writing the model") progress(done, total);
  };
}

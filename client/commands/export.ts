import { Command, Option } from "commander";
import { openPackedCell } from "../../activities/packed-cell.js";
import { createProcessState } from "../../activities/process-state.js";
import { type ExportOptions, exportFormats } from "../../compression/export-format.js";
import { type ExportReport, exportModel } from "../../compression/export-model.js";
import { openPackedFolder, type PackedModel } from "../../compression/packed-model.js";
import { createProgress } from "../../infra/progress.js";
import { CONFIG_FILE } from "../../models/load.js";
import { fileExists, isS3, joinUri } from "../../storage/files.js";
import { useStore } from "../services.js";
import { printJson } from "./output.js";

interface ExportCommandOptions extends ExportOptions {
  out: string;
  bucket?: string;
  prefix?: string;
  json?: boolean;
}

/** STUDY/MODEL/METHOD/SOURCE-nN-setK, with -noiseR for a noise replicate. */
const CELL = /^[\w.-]+\/[\w.-]+\/[\w.-]+\/[\w.-]+-n\d+-set\d+(-noise\d+)?$/;

/** `touchstone export`: a compressed model in a format that others read; of a cell it needs the object store. */
export function exportCommand(): Command {
  return new Command("export")
    .description("write a compressed model in a format that other programs read")
    .argument(
      "<model>",
      "folder that `touchstone compress` wrote, or a cell of a study: STUDY/MODEL/METHOD/SOURCE-nN-setK",
    )
    .addOption(
      new Option("--format <format>", "how the linears are stored").choices(exportFormats).makeOptionMandatory(),
    )
    .requiredOption("--out <folder>", "where the model goes")
    .addOption(
      new Option(
        "--dtype <type>",
        "of scales and of all that isn't quantized (default: F32 for dense, else F16)",
      ).choices(["F32", "F16", "BF16"]),
    )
    .addOption(
      new Option(
        "--checkpoint-format <format>",
        "of gptq: whether zero points are stored less one (gptq) or as they are (gptq_v2) (default: gptq for symmetric grids, else gptq_v2)",
      ).choices(["gptq", "gptq_v2"]),
    )
    .option(
      "--bucket <name>",
      "of a cell: the specification's checkpoints.bucket (default: the workers' TOUCHSTONE_BUCKET)",
    )
    .option("--prefix <prefix>", "of a cell: the specification's checkpoints.prefix")
    .option("--json", "print one JSON document")
    .action(async (model: string, options: ExportCommandOptions) => {
      const started = performance.now();
      const report = await exportTo(model, options);
      const seconds = (performance.now() - started) / 1000;
      if (options.json) printJson({ out: options.out, ...report, seconds });
      else process.stdout.write(renderReport(report, options.out));
    });
}

async function exportTo(name: string, options: ExportCommandOptions): Promise<ExportReport> {
  const packed = await openPacked(name, options);
  try {
    return await createProgress().step(`export ${name} as ${options.format}`, (progress) =>
      exportModel(packed, options.out, options, progress),
    );
  } finally {
    await packed.close();
  }
}

/** A folder is taken for what it is, whatever its name. */
async function openPacked(name: string, { bucket, prefix }: ExportCommandOptions): Promise<PackedModel> {
  const isFolder = isS3(name) || !CELL.test(name) || (await fileExists(joinUri(name, CONFIG_FILE)));
  if (isFolder) return openPackedFolder(name);
  const context = { state: createProcessState(), report: () => {}, signal: new AbortController().signal };
  return openPackedCell(name, await useStore({ bucket, prefix }), context);
}

function renderReport({ linears, storage, notes }: ExportReport, out: string): string {
  return [`${linears} linears (${storage})`, ...notes, out, ""].join("\n");
}

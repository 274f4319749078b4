import { Command, Option } from "commander";
import { readSetFile } from "../../calibration/read-calibration.js";
import { type CalibrationSet, encodeSet, tokensDigest } from "../../calibration/set.js";
import { type BlockSink, type CompressionReport, compressModel } from "../../compression/compress-model.js";
import { checkModelSettings } from "../../compression/linears.js";
import { describeCalibration, modelName } from "../../compression/made-of.js";
import { writeMadeOf, writePackedLayer } from "../../compression/packed-model.js";
import { methodOf } from "../../compression/registry.js";
import { encodeLayer, storedBits, zeroWeights } from "../../compression/stored-layer.js";
import { createProgress } from "../../infra/progress.js";
import { loadModel } from "../../models/load.js";
import type { Model } from "../../models/model.js";
import { createModelFolder, type FolderDtype, type ModelFolder } from "../../models/write-folder.js";
import { TouchstoneError, withPlace } from "../../study/errors.js";
import type { MethodSettings } from "../../study/methods.js";
import { loadBackend } from "../../tensor/backend.js";
import { METHOD_HELP, parseMethod } from "./method-option.js";
import { printJson } from "./output.js";

interface CompressOptions {
  method: string;
  calibration?: string;
  out: string;
  dtype: FolderDtype;
  json?: boolean;
}

/** `touchstone compress`: a whole model in this process, into a Hugging Face folder; needs no services. */
export function compressCommand(): Command {
  return new Command("compress")
    .description(
      "compress a model block by block into a Hugging Face folder: dense weights, and the packed layers beside them",
    )
    .argument("<model>", "Hugging Face folder or .gguf file, local or s3://")
    .requiredOption("--method <json>", METHOD_HELP)
    .option("--calibration <file>", 'calibration set: SET.arrow, or token ids as JSON {"input_ids": [[...], ...]}')
    .requiredOption("--out <folder>", "where the model goes")
    .addOption(new Option("--dtype <type>", "type of the weights").choices(["F32", "F16", "BF16"]).default("F32"))
    .option("--json", "print one JSON document")
    .action(async (path: string, options: CompressOptions) => {
      const report = await compress(path, parseMethod(options.method), options);
      if (options.json) printJson(report);
      else process.stdout.write(renderReport(report, options.out));
    });
}

async function compress(path: string, settings: MethodSettings, options: CompressOptions): Promise<CompressionReport> {
  const calibration = await calibrationFor(settings, options.calibration);
  const model = await loadModel(path);
  try {
    checkModelSettings(model, settings);
    await loadBackend();
    return await compressInto(model, calibration, settings, options);
  } catch (error) {
    throw calibration === undefined ? error : withPlace(error, `calibration set ${options.calibration}`);
  } finally {
    await model.close();
  }
}

/** Methods without data need no set; one that is given is checked all the same. */
async function calibrationFor(
  { method }: MethodSettings,
  path: string | undefined,
): Promise<CalibrationSet | undefined> {
  const usesData = methodOf(method).statistics !== "none";
  if (path !== undefined) {
    const set = await readSetFile(path);
    return usesData ? set : undefined;
  }
  if (!usesData) return undefined;
  throw new TouchstoneError("InvalidSettings", {
    what: `Method ${method} needs a calibration set`,
    where: "--calibration",
    todo: "Draw one with `touchstone sample`.",
  });
}

async function compressInto(
  model: Model,
  calibration: CalibrationSet | undefined,
  settings: MethodSettings,
  { out, dtype }: CompressOptions,
): Promise<CompressionReport> {
  const folder = await createModelFolder(model, out, { dtype });
  const digest = calibration === undefined ? undefined : tokensDigest(calibration);
  const { sink, sizes } = packingSink(folder, settings, { model: model.digest, calibration: digest });
  const tokens = calibration?.sequences.map((sequence) => sequence.tokens) ?? [];
  try {
    const report = await createProgress().step(`compress ${model.path} with ${settings.method}`, (progress) =>
      compressModel(model, tokens, settings, sink, { onProgress: progress }),
    );
    const started = performance.now();
    const { weights, bits, zeros } = sizes;
    await writeMadeOf(
      folder,
      {
        format: 1,
        model: { name: modelName(model.path), digest: model.digest },
        settings,
        calibration: calibration === undefined ? null : describeCalibration(calibration),
        bitsPerWeight: bits / weights,
        sparsity: zeros / weights,
      },
      calibration === undefined || calibration.provenance === null ? undefined : encodeSet(calibration),
      { storage: `dense, ${dtype}; packed layers beside them` },
    );
    await folder.finish();
    const seconds = (performance.now() - started) / 1000;
    report.phases.write += seconds;
    return { ...report, seconds: report.seconds + seconds };
  } catch (error) {
    await folder.discard();
    throw error;
  }
}

/** Writes each block's dense weights and its packed layers. @returns with the sums over the linears, while it writes */
function packingSink(
  folder: ModelFolder,
  settings: MethodSettings,
  inputs: { model: string; calibration?: string },
): { sink: BlockSink; sizes: { weights: number; bits: number; zeros: number } } {
  const sizes = { weights: 0, bits: 0, zeros: 0 };
  const sink: BlockSink = {
    writeBlock: async (index, weights, layers) => {
      await folder.writeBlock(index, weights);
      for (const { compressed, tensor, ...layer } of layers) {
        const bytes = encodeLayer(compressed, { ...layer, name: tensor, settings, inputs });
        await writePackedLayer(folder, tensor, bytes);
        sizes.weights += compressed.weight.length;
        sizes.bits += storedBits(bytes, tensor);
        sizes.zeros += zeroWeights(compressed.weight);
      }
    },
  };
  return { sink, sizes };
}

function renderReport({ seconds, phases, blocks }: CompressionReport, out: string): string {
  const parts = Object.entries(phases).map(([phase, spent]) => `${phase} ${spent.toFixed(1)}`);
  const layers = blocks.flatMap((block) => block.layers);
  const errors = layers.flatMap(({ error }) => (error === null ? [] : [error]));
  const total = errors.length === 0 ? "" : `error ${errors.reduce((sum, error) => sum + error, 0).toPrecision(6)}\n`;
  const unseen = blocks.flatMap(({ index, layers: own }) =>
    own.flatMap(({ name, unseen: became }) =>
      became === undefined ? [] : [`no token reached block ${index} ${name}: ${became}\n`],
    ),
  );
  return `${layers.length} linears of ${blocks.length} blocks in ${seconds.toFixed(1)} s (${parts.join(", ")})\n${unseen.join("")}${total}${out}\n`;
}

import type { LinearFormat } from "../models/formats/grid-linear.js";
import { QUANTIZE_FILE } from "../models/load.js";
import type { TensorLayout } from "../models/safetensors-write.js";
import { weightLayout } from "../models/shards.js";
import { createModelFolder, type FolderDtype, type ModelFolder } from "../models/write-folder.js";
import { TouchstoneError } from "../study/errors.js";
import { type ChosenFormat, chooseFormat, type ExportFormat, type ExportOptions } from "./export-format.js";
import { type BlockLinear, blockLinears, keptModules } from "./linears.js";
import { type Beside, type PackedModel, writeMadeOf, writePackedLayer } from "./packed-model.js";
import { encodeLayer, type StoredLayer } from "./stored-layer.js";

export interface ExportReport {
  format: ExportFormat;
  dtype: FolderDtype;
  /** How the linears are stored, in words. */
  storage: string;
  linears: number;
  /** What whoever runs the model should know. */
  notes: readonly string[];
}

/**
 * Writes a compressed model as a Hugging Face folder that others read, one linear in memory at a time, with a model card
 * and the calibration set; dense folders have the packed layers beside them too.
 * @param options.beside what else goes there: the folder is whole or not at all
 * @throws TouchstoneError InvalidSettings where the format has no room for the method or for a linear's shape, before anything is
 *   written; NumericalError for values that float16 can't hold; as `createModelFolder`
 */
export async function exportModel(
  packed: PackedModel,
  out: string,
  { beside, ...options }: ExportOptions & { beside?: Beside },
  onProgress: (done: number, total: number) => void = () => {},
): Promise<ExportReport> {
  const { rest, madeOf, set } = packed;
  const indexes = Array.from({ length: rest.config.blocks }, (_, index) => index);
  const blocks = indexes.map((index) => blockLinears(rest, index).flat());
  const kept = Array.from(new Set(indexes.flatMap((index) => keptModules(rest, index))));
  const chosen = chooseFormat(madeOf.settings, options, kept);
  const layout = layoutOf(weightLayout(rest, chosen.dtype), blocks.flat(), chosen.linears);
  const config = chosen.linears === undefined ? {} : { quantization_config: chosen.linears.config };
  const folder = await createModelFolder(rest, out, { dtype: chosen.dtype, layout, config });
  try {
    for (const [index, linears] of blocks.entries()) {
      await folder.writeBlock(index, await rest.block(index, new Set(linears.map(({ name }) => name))));
      for (const linear of linears) await writeLinear(folder, linear, await packed.layer(index, linear), chosen);
      onProgress(index + 1, blocks.length);
    }
    if (options.format === "gptq") await folder.writeFile(QUANTIZE_FILE, quantizeJson(chosen.linears));
    await writeMadeOf(folder, madeOf, set, chosen, beside);
    await folder.finish();
  } catch (error) {
    await folder.discard();
    throw error;
  }
  const { dtype, storage, notes } = chosen;
  return { format: options.format, dtype, storage, linears: blocks.flat().length, notes };
}

/** The model's weights, those of linears as the format holds them. */
function layoutOf(
  weights: readonly TensorLayout[],
  linears: readonly BlockLinear[],
  format: LinearFormat | undefined,
): readonly TensorLayout[] {
  if (format === undefined) return weights;
  const shapes = new Map(linears.map((linear) => [linear.tensor, linear]));
  return weights.flatMap((weight) => {
    const shape = shapes.get(weight.name);
    return shape === undefined ? [weight] : format.layout(weight.name, shape);
  });
}

async function writeLinear(
  folder: ModelFolder,
  linear: BlockLinear,
  layer: StoredLayer,
  { linears: format }: ChosenFormat,
): Promise<void> {
  const { tensor, rows, columns } = linear;
  const { compressed } = layer;
  if (layer.rows !== rows || layer.columns !== columns) throw foreign(linear, layer);
  if (format === undefined) {
    await folder.write(tensor, compressed.weight);
    await writePackedLayer(folder, tensor, encodeLayer(compressed, layer));
    return;
  }
  if (compressed.quantized === undefined)
    throw compressed.unseen === undefined ? foreign(linear, layer) : leftDense(tensor);
  for (const [name, data] of format.encode(tensor, compressed.quantized, linear)) await folder.write(name, data);
}

function quantizeJson(format: LinearFormat | undefined): string {
  return `${JSON.stringify(format?.config, null, 2)}\n`;
}

function leftDense(tensor: string): TouchstoneError {
  return new TouchstoneError("InvalidSettings", {
    what: "The layer was left dense, since no calibration token reached it, and the format holds quantized ones",
    where: tensor,
    todo: 'Export dense weights, or compress with "unseen": "rtn".',
  });
}

function foreign({ tensor, rows, columns }: BlockLinear, layer: StoredLayer): TouchstoneError {
  return new TouchstoneError("InvalidModel", {
    what: `The packed layer (${layer.settings.method}, ${layer.rows} x ${layer.columns}) is not this model's of ${rows} x ${columns}`,
    where: tensor,
    todo: "Compress the model again.",
  });
}

import { type CompressedTensorsSettings, compressedTensorsFormat } from "../models/formats/compressed-tensors.js";
import { type GptqVersion, gptqFormat } from "../models/formats/gptq.js";
import type { LinearFormat } from "../models/formats/grid-linear.js";
import type { FolderDtype } from "../models/write-folder.js";
import { TouchstoneError } from "../study/errors.js";
import type { MethodSettings, SettingsOf } from "../study/methods.js";

export const exportFormats = ["dense", "gptq", "compressed-tensors"] as const;
export type ExportFormat = (typeof exportFormats)[number];

export interface ExportOptions {
  format: ExportFormat;
  /** Of all that isn't quantized; default: F32 for dense weights, F16 for the others. */
  dtype?: FolderDtype;
  /** How GPTQ checkpoints store zero points; default: `gptq` for symmetric grids, `gptq_v2` for others. */
  checkpointFormat?: GptqVersion;
}

/** What the options come to for a method. */
export interface ChosenFormat {
  dtype: FolderDtype;
  /** undefined: dense weights. */
  linears?: LinearFormat;
  /** In words, for the model card. */
  storage: string;
  notes: readonly string[];
}

type GridSettings = SettingsOf<"rtn"> | SettingsOf<"gptq">;

/**
 * @param kept modules that are not quantized, besides the head
 * @throws TouchstoneError InvalidSettings where the format can't express the method, saying what can
 */
export function chooseFormat(
  settings: MethodSettings,
  { format, dtype, checkpointFormat }: ExportOptions,
  kept: readonly string[] = [],
): ChosenFormat {
  if (checkpointFormat !== undefined && format !== "gptq") {
    throw refused(`Format ${format} has no checkpoint format ${checkpointFormat}`, "--checkpoint-format is for gptq.");
  }
  if (format === "dense") return { dtype: dtype ?? "F32", storage: `dense, ${dtype ?? "F32"}`, notes: [] };
  const grid = gridSettings(settings, format);
  const chosen = dtype ?? "F16";
  if (format === "compressed-tensors") {
    const options: CompressedTensorsSettings = { ...common(grid), dtype: chosen, kept };
    if (isScattered(grid)) {
      throw refused(
        "compressed-tensors has no place for groups of inputs that aren't neighbours, as actOrder makes them",
        "Export gptq or dense weights, or compress with staticGroups.",
      );
    }
    return {
      dtype: chosen,
      linears: compressedTensorsFormat(options),
      storage: `compressed-tensors, pack-quantized, ${grid.bits} bits, scales ${chosen}`,
      notes: [],
    };
  }
  if (chosen !== "F16") throw refused(`GPTQ checkpoints are float16, not ${chosen}`, "Leave --dtype out.");
  const version = checkpointFormat ?? (grid.symmetric ? "gptq" : "gptq_v2");
  return {
    dtype: chosen,
    linears: gptqFormat({ ...common(grid), meta: gptqMeta(grid) }, version),
    storage: `GPTQ checkpoint, ${version}, ${grid.bits} bits, scales F16`,
    notes: grid.symmetric && (grid.bits === 4 || grid.bits === 8) ? [] : [VLLM_NOTE],
  };
}

const VLLM_NOTE = "vLLM reads GPTQ checkpoints of symmetric grids with 4 or 8 bits only; transformers reads this one.";

function gridSettings(settings: MethodSettings, format: ExportFormat): GridSettings {
  switch (settings.method) {
    case "rtn":
    case "gptq":
      return settings;
    case "spqr":
      throw refused(
        `Format ${format} holds codes on one grid a group; SpQR's two-level grids and outliers have no place in it`,
        "Export dense weights: the packed layers are put beside them.",
      );
    case "sparsegpt":
    case "wanda":
    case "magnitude":
      throw refused(
        `Format ${format} holds quantized weights, and ${settings.method} prunes`,
        "Export dense weights: they have the zeros, and the packed layers are put beside them.",
      );
  }
}

function common(settings: GridSettings) {
  const { bits, groupSize, symmetric } = settings;
  return { bits, groupSize, symmetric, actOrder: settings.method === "gptq" && settings.actOrder };
}

/** Whether neighbours in the order of activations, not of inputs, share a grid. */
function isScattered(settings: GridSettings): boolean {
  return settings.method === "gptq" && settings.actOrder && !settings.staticGroups && settings.groupSize !== -1;
}

function gptqMeta(settings: GridSettings): Record<string, unknown> {
  const quantizer = ["touchstone"];
  if (settings.method === "rtn") return { quantizer, mse: settings.mse };
  const { damping, staticGroups, trueSequential, mse } = settings;
  return { quantizer, damp_percent: damping, static_groups: staticGroups, true_sequential: trueSequential, mse };
}

function refused(what: string, todo: string): TouchstoneError {
  return new TouchstoneError("InvalidSettings", { what, where: "--format", todo });
}

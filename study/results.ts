import type { SourceInspection } from "./inspection.js";
import type { MethodSettings } from "./methods.js";

/** JSON has no NaN or infinity, and badly pruned models overflow: both are kept apart from the number. */
export type Figure = { value: number } | { value: null; nonFinite: "nan" | "inf" | "-inf" };

/** What one task or one perplexity text gave for one model. */
export interface Evaluation {
  /** Task name as in the harness's results, or the perplexity text's id. */
  id: string;
  kind: "task" | "perplexity";
  /** E.g. `acc`, `acc_norm`, `perplexity`. */
  metrics: Readonly<Record<string, Figure>>;
  /** Standard errors of the metrics that have one. */
  standardErrors: Readonly<Record<string, Figure>>;
  /** Records scored, or tokens predicted. */
  count: number;
  /** Digest of the scored records' numbers, where the pilots' certainty has chosen them; else the first were scored. */
  chosen?: string;
  /** Requests whose context lost its beginning, since the model reads no more; none where it is not there. */
  truncated?: number;
  /** Scored records that repeat one before them; none where it is not there. */
  duplicates?: number;
}

/** What identifies a cell of the study's table. */
export interface CellCoordinates {
  model: string;
  /** null: the dense model, the reference row. */
  method: MethodSettings | null;
  /** Unique in the study, e.g. `gptq`, or `gptq-3bit` where a method stands twice. `dense` for the dense model. */
  methodLabel: string;
  source: string | null;
  size: number | null;
  set: number | null;
  /** Noise replicate: index of the weight jitter, with the calibration set held fixed. */
  noise: number | null;
}

/** What became of a linear whose input no calibration token reached: left dense, or compressed by this method without data. */
export type Unseen = "dense" | "rtn" | "magnitude";

export interface UnseenLayer {
  block: number;
  /** Inside the block. */
  name: string;
  became: Unseen;
}

/**
 * What the linears of each block lost of their outputs on the calibration set: tr((W-Q) H (W-Q)^T) / tr(W H W^T), four digits. The
 * experts of a block count as one linear. null: the block has no such linear, or no calibration token reached it.
 */
export interface LayerErrors {
  /** Names inside a block. */
  linears: readonly string[];
  /** [block][linear] */
  blocks: readonly (readonly (number | null)[])[];
}

/** `LayerErrors` of some calibration sets of one source. */
export interface SourceLayerErrors {
  model: string;
  methodLabel: string;
  size: number;
  source: string;
  /** Sets. */
  cells: number;
  linears: readonly string[];
  /** Over the sets, [block][linear]; null where not all of them have it. */
  means: readonly (readonly (number | null)[])[];
  /** Sample standard deviations; null for a single set too. */
  deviations: readonly (readonly (number | null)[])[];
}

export interface CellResult extends CellCoordinates {
  evaluations: readonly Evaluation[];
  /** As stored: bits per weight of the compressed linears, and their share of zeros. null for the dense model. */
  bitsPerWeight: number | null;
  sparsity: number | null;
  /** Sum over the linears of tr((W-Q) H (W-Q)^T), where the method has H. */
  error: number | null;
  calibrationDigest: string | null;
  /** Absent where calibration tokens reached all linears. */
  unseen?: readonly UnseenLayer[];
  /** Absent where the method has no H, and in cells of earlier versions. */
  layers?: LayerErrors;
  seconds: { compress: number; evaluate: number };
  /** Address of its result, which says what determined it. Not part of what is stored there. */
  stored?: string;
}

/** Where a failure comes from, as far as it is known. */
export interface FailureOrigin {
  /** The cell's step: `block 12 of 30`, `evaluation piqa`. */
  at: string | null;
  /** Identity of the worker that had it in hand. */
  worker: string | null;
  /** The last lines that its compute process has written. */
  log: readonly string[];
}

export interface FailedCell extends CellCoordinates, FailureOrigin {
  errorType: string;
  message: string;
}

/** A cell that somebody has taken out of the study. */
export interface SkippedCell extends CellCoordinates {
  reason: string;
}

/** What is known of a model besides its results. */
export interface StudyModel {
  id: string;
  /** All weights, embeddings and head included; null: not known. */
  parameters: number | null;
  /** The model that it was made from by further training, as the specification says; null: none is named. */
  base: string | null;
}

/** How far the mean over a source's sets is known, in a study that stops when it is. */
export interface SourceKnowledge {
  model: string;
  methodLabel: string;
  source: string;
  size: number;
  /** Key of the measure that was looked at: `tasksMean`, or `perplexity:ID`. */
  measure: string;
  /** Sets that were looked at, in their order, and the most that there may be. */
  sets: number;
  of: number;
  /** Index of the last of them; null where there is none. */
  last: number | null;
  /** Of the interval, and as the study wants it: accuracies in 0..1, or perplexities. null: nothing can be said. */
  halfWidth: number | null;
  wanted: number;
  /** The sets after the last one are not needed. */
  known: boolean;
  /** Cells that were not computed for that. */
  notNeeded: number;
}

/** Everything a report is made of; plain JSON. */
export interface StudyResults {
  name: string;
  /** The specification as it was run. */
  spec: unknown;
  /** Metric that tables show for a task: `acc`, or `acc_norm` where a task has it. */
  tableMetric: "acc" | "accNorm";
  /** Absent in results of earlier versions. */
  models?: readonly StudyModel[];
  /** Without `layers`, which stand below. */
  cells: readonly CellResult[];
  /** Of the largest sets of each method; absent in results of earlier versions. */
  layers?: readonly SourceLayerErrors[];
  failed: readonly FailedCell[];
  skipped: readonly SkippedCell[];
  /** Cells still to be computed, of a study that runs or was cancelled; none where it is not there. */
  pending?: readonly CellCoordinates[];
  /** In studies with `stopping`. */
  stopping?: readonly SourceKnowledge[];
  /** Models whose sweep was cancelled. */
  cancelled: readonly string[];
  /** Methods that use no calibration data: their spread over sets must be exactly 0. */
  dataFreeMethods: readonly string[];
  contamination: readonly { source: string; set: number; task: string; records: number }[];
  /** What the first model's sets of the largest size hold, by source; absent where none is drawn. */
  inspection?: readonly SourceInspection[];
  /** Contamination was not looked for yet: that is done when the study ends. */
  contaminationUnknown?: boolean;
  /** Numerics version, backend and its version. */
  environment: Readonly<Record<string, string>>;
}

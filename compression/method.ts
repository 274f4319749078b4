import type { GridLinear } from "../models/formats/grid-linear.js";
import type { MethodName, MethodSettings } from "../study/methods.js";
import type { Unseen } from "../study/results.js";

/** What a method wants to know about a layer's inputs X [tokens, in]; a capture pass collects it. */
export type StatisticsKind = "none" | "inputNorms" | "secondMoment";

/** Collected over N calibration sequences; all values are finite. */
export type LayerStatistics =
  | { kind: "none" }
  /** No token reached the input: there is nothing that a method could go by. */
  | { kind: "unseen" }
  /** (1/N) * sum over tokens of x_j^2, [in] */
  | { kind: "inputNorms"; meanSquares: Float32Array; sequences: number }
  /** H = (2/N) * sum over sequences of x^T x, row-major [in, in], symmetric */
  | { kind: "secondMoment"; hessian: Float32Array; sequences: number };

export interface LayerShape {
  /** Full tensor name, for errors. */
  name: string;
  /** Output channels. */
  rows: number;
  /** Inputs. */
  columns: number;
}

/** One linear layer: `weight` is row-major [rows, columns] and is not modified. */
export interface Layer extends LayerShape {
  weight: Float32Array;
  /** What the checkpoint stores it as, where that is known. */
  dtype?: string;
}

/** A value a row and group, on grids of their own: those of a run of rows in one group share one. */
export interface RunCodes {
  /** [rows * groups] */
  codes: Uint8Array;
  /** [runs * groups] */
  gridScales: Float32Array;
  /** [runs * groups] */
  gridZeros: Float32Array;
}

/** How SpQR stores scales and zero points: the value is gridScale * (code - gridZero), in float32. */
export interface GridStatistics {
  bits: number;
  /** Rows a run; the last run may be shorter. */
  runRows: number;
  scales: RunCodes;
  zeros: RunCodes;
}

/** Codes on a grid, and what SpQR keeps besides. */
export interface QuantizedLayer extends GridLinear {
  /** Where `scales` and `zeros` are quantized themselves: they are what this stands for. */
  statistics?: GridStatistics;
  /** Weights kept in full precision in place of scale * (code - zero): [rows * columns], 1 = outlier */
  outliers?: Uint8Array;
}

/**
 * A compressed layer. `weight` is what the model computes with; `quantized` or `mask` says how it is stored, and gives
 * `weight` back bit for bit: the dequantized codes, or the weights where mask is 1 and 0 elsewhere.
 */
export interface CompressedLayer {
  weight: Float32Array;
  quantized?: QuantizedLayer;
  /** [rows * columns], 1 = kept */
  mask?: Uint8Array;
  /** What became of a layer whose input no calibration token reached: left dense, or compressed without data. */
  unseen?: Unseen;
  /** The damping that was used, after retries. */
  damping?: number;
}

/** What a method gives. */
export interface Solution extends CompressedLayer {
  /** tr((W-Q) H (W-Q)^T), where it follows from solving. */
  error?: number;
}

/** How weights are visited column by column: by WebAssembly kernels in the processor's memory, or as tensors of the backend. */
export type Visits = "kernels" | "tensors";

/** One file and one line in the registry a method. */
export interface Method<S extends MethodSettings = MethodSettings> {
  readonly name: MethodName;
  readonly statistics: StatisticsKind;
  /** @throws TouchstoneError InvalidSettings where the settings don't fit the layer; called before anything is computed */
  checkSettings(layer: LayerShape, settings: S): void;
  /**
   * Compresses linears that share one input, so that what depends on the input alone is computed once.
   * @param visits for methods that visit columns (default: as the backend is); the results are the same within rounding
   * @throws TouchstoneError NumericalError where the second moment can't be factorised
   */
  compress(layers: readonly Layer[], statistics: LayerStatistics, settings: S, visits?: Visits): Solution[];
}

import type * as tf from "@tensorflow/tfjs-core";
import type { MethodName, MethodSettings } from "../study/methods.js";

/** What a method wants to know about a layer's inputs X [tokens, in]; a capture pass collects it. */
export type StatisticsKind = "none" | "inputNorms" | "secondMoment";

/** Collected over N calibration sequences. */
export type LayerStatistics =
  | { kind: "none" }
  /** (1/N) * sum over tokens of x_j^2, [in] */
  | { kind: "inputNorms"; meanSquares: Float32Array; sequences: number }
  /** H = (2/N) * sum over sequences of x^T x, [in, in] (methods.md, Second-moment statistic) */
  | { kind: "secondMoment"; hessian: tf.Tensor2D; sequences: number };

/** One linear layer: `weight` is row-major [rows = output channels, columns = inputs] and is not modified. */
export interface Layer {
  /** Full tensor name, for errors. */
  name: string;
  rows: number;
  columns: number;
  weight: Float32Array;
}

/**
 * A compressed layer. `weight` is what the model computes with; `codes` (with scales, zeros, groupIndex) or `mask`
 * says how it is stored, and gives `weight` back bit for bit: scale * (code - zero), or weight where mask is 1.
 */
export interface CompressedLayer {
  weight: Float32Array;
  quantized?: {
    bits: number;
    /** [rows * columns] */
    codes: Uint8Array;
    /** [rows * groups] */
    scales: Float32Array;
    /** [rows * groups] */
    zeros: Float32Array;
    /** Group of each column, [columns] */
    groupIndex: Int32Array;
    groups: number;
  };
  /** [rows * columns], 1 = kept */
  mask?: Uint8Array;
  /** The damping that was used, after retries. */
  damping?: number;
}

/** One file and one line in the registry a method. */
export interface Method<S extends MethodSettings = MethodSettings> {
  readonly name: MethodName;
  readonly statistics: StatisticsKind;
  /** Throws TouchstoneError InvalidSettings where the settings don't fit the layer, NumericalError for NaN or failed factorisation. */
  compress(layer: Layer, statistics: LayerStatistics, settings: S): CompressedLayer;
}

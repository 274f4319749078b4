import * as tf from "@tensorflow/tfjs-core";
import { uniformFloat32 } from "pure-rand/distribution/uniformFloat32";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { Layer, LayerStatistics, StatisticsKind } from "../compression/method.js";
import { takeValues } from "../tensor/linear-algebra.js";

/** A layer with the second moment of its inputs, row-major [columns, columns]. */
export interface SolveLayer {
  layer: Layer;
  hessian: Float32Array;
}

/** Standard deviation of a trained model's weights, about. */
const WEIGHT_SCALE = 0.02;
const SEQUENCES = 128;
const TOKENS = 2048;
/** Directions that inputs have in common, at most; they make this share of the variance. */
const RANK = 1024;
const COMMON = 0.8;
/** Inputs differ in size by e to the power of a normal value of this deviation. */
const SIZE_DEVIATION = 0.7;

/**
 * Normal weights, and the second moment that 128 sequences of 2,048 correlated inputs have on average: few directions in common and
 * noise of each input's own, times each input's size. The same shape gives the same bits.
 */
export function randomSolveLayer(rows: number, columns: number): SolveLayer {
  const normal = normalValues(rows * 0x10000 + columns);
  const fill = (length: number, scale: number) => Float32Array.from({ length }, () => scale * normal());
  const weight = fill(rows * columns, WEIGHT_SCALE);
  const sizes = fill(columns, SIZE_DEVIATION).map(Math.exp);
  const rank = Math.min(RANK, Math.ceil(columns / 4));
  const directions = fill(rank * columns, Math.sqrt((2 * TOKENS * COMMON) / rank));
  for (let i = 0; i < directions.length; i++) directions[i] *= sizes[i % columns];
  const hessian = takeValues(
    tf.tidy(() => {
      const factor = tf.tensor2d(directions, [rank, columns]);
      return tf.matMul(factor, factor, true, false);
    }),
  );
  for (let j = 0; j < columns; j++) {
    hessian[j * columns + j] += 2 * TOKENS * (1 - COMMON) * sizes[j] ** 2;
    // A product need not add both halves in one order.
    for (let i = 0; i < j; i++) hessian[j * columns + i] = hessian[i * columns + j];
  }
  return { layer: { name: "weight", rows, columns, weight }, hessian };
}

/** What a method wants to know about the layer's inputs. */
export function statisticsOf({ layer, hessian }: SolveLayer, kind: StatisticsKind): LayerStatistics {
  switch (kind) {
    case "none":
      return { kind };
    case "inputNorms": {
      const { columns } = layer;
      const meanSquares = Float32Array.from({ length: columns }, (_, j) => hessian[j * (columns + 1)] / 2);
      return { kind, meanSquares, sequences: SEQUENCES };
    }
    case "secondMoment":
      return { kind, hessian, sequences: SEQUENCES };
  }
}

/** Roughly standard normal values: sums of three uniform ones. */
function normalValues(seed: number): () => number {
  const random = xoroshiro128plus(seed);
  return () => 2 * (uniformFloat32(random) + uniformFloat32(random) + uniformFloat32(random)) - 3;
}

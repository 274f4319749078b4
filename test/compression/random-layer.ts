import * as tf from "@tensorflow/tfjs-core";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { Layer, LayerStatistics, StatisticsKind } from "../../compression/method.js";
import { accumulate } from "../../compression/statistics.js";

/** Roughly normal values. */
export function randomValues(length: number, seed: number): Float32Array {
  const random = xoroshiro128plus(seed);
  const uniform = () => random.next() / 2 ** 32;
  return Float32Array.from({ length }, () => uniform() + uniform() + uniform() + uniform());
}

export function randomLayer(rows: number, columns: number, seed: number): Layer {
  return { name: "random.weight", rows, columns, weight: randomValues(rows * columns, seed) };
}

export const SEQUENCES = 4;
export const TOKENS = 64;

/** Inputs [sequences, tokens, in] whose columns differ in size and depend on their neighbours, as activations do. */
export function randomInputs(columns: number, seed: number): Float32Array {
  const values = randomValues(SEQUENCES * TOKENS * columns, seed);
  return values.map((value, i) => {
    const column = i % columns;
    return (value + (column > 0 ? 0.7 * values[i - 1] : 0)) * (1 + (column % 7));
  });
}

/** What a capture pass collects of inputs [sequences, tokens, in]; the sequences in the given order. */
export function collect(
  inputs: Float32Array,
  columns: number,
  kind: StatisticsKind,
  order = Array.from({ length: SEQUENCES }, (_, i) => i),
): LayerStatistics {
  const accumulator = accumulate(kind, columns);
  const size = TOKENS * columns;
  for (const sequence of order) {
    const part = tf.tensor3d(inputs.slice(sequence * size, (sequence + 1) * size), [1, TOKENS, columns]);
    accumulator.add(part);
    part.dispose();
  }
  return accumulator.finish("inputs of random.weight");
}

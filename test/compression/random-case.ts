import fc from "fast-check";
import type { Layer } from "../../compression/method.js";
import { randomInputs, randomLayer } from "./random-layer.js";

/** A linear with inputs [SEQUENCES, TOKENS, columns]. */
export interface RandomCase {
  layer: Layer;
  inputs: Float32Array;
  /** Inputs that are always zero. */
  dead: ReadonlySet<number>;
}

export interface CaseOptions {
  /** Factors of all weights and of all inputs. */
  weightScales?: readonly number[];
  inputScales?: readonly number[];
  /** Whether each input has a size of its own, up to this power of ten up or down (default: no). */
  sizePower?: number;
  /** Whether the first row may stand again further down (default: no). */
  repeatedRows?: boolean;
  /** Whether up to three inputs may be dead (default: yes). */
  dead?: boolean;
}

/** Layers of 1 to 40 rows and 8 to 96 columns, in whole runs of 8. */
export function randomCases(options: CaseOptions = {}): fc.Arbitrary<RandomCase> {
  const { weightScales = [1], inputScales = [1], sizePower = 0, repeatedRows = false, dead: mayDie = true } = options;
  return fc
    .record({
      rows: fc.integer({ min: 1, max: 40 }),
      columns: fc.integer({ min: 1, max: 12 }).map((runs) => 8 * runs),
      seed: fc.integer({ min: 1, max: 1e6 }),
      dead: fc.array(fc.nat(95), { maxLength: mayDie ? 3 : 0 }),
      repeats: fc.array(fc.nat(39), { maxLength: repeatedRows ? 5 : 0 }),
      weightScale: fc.constantFrom(...weightScales),
      inputScale: fc.constantFrom(...inputScales),
      power: fc.constantFrom(0, sizePower),
    })
    .map(({ rows, columns, seed, weightScale, inputScale, power, ...marked }) => {
      const dead = new Set(marked.dead.filter((column) => column < columns));
      const layer = randomLayer(rows, columns, seed);
      layer.weight = layer.weight.map((weight) => weightScale * weight);
      const repeats = marked.repeats.filter((row) => row < rows);
      for (const row of repeats) layer.weight.copyWithin(row * columns, 0, columns);
      const sizes = Array.from({ length: columns }, (_, j) => 10 ** (power * Math.sin(seed + j)));
      const inputs = randomInputs(columns, seed + 1).map((value, i) => {
        const column = i % columns;
        return dead.has(column) ? 0 : inputScale * sizes[column] * value;
      });
      return { layer, inputs, dead };
    });
}

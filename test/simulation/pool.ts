import type { RecordValues } from "../../statistics/outcomes.js";

/** Real outcomes of sets that may stand for each other, [set][task][record]: what simulated studies are drawn from. */
export interface Pool {
  name: string;
  sets: readonly (readonly RecordValues[])[];
  /** What a search has besides; none: it can't search these. */
  certainty?: PoolCertainty;
}

/** How certain the sets' models are of the records. */
export interface PoolCertainty {
  /** The model that they were compressed from: a search scores the same records of all its methods. */
  model: string;
  /** The model's pilot is one of these. */
  isPilots: boolean;
  /** Of the model itself: [task][record], as `values`. */
  dense: readonly Float64Array[];
  /** [set][task][record], rising: ranks will do. */
  values: readonly (readonly Float64Array[])[];
}

/** Two sources of a simulated study, [set][task][record]. */
export interface Pair {
  first: RecordValues[][];
  second: RecordValues[][];
}

/**
 * A simulated study of two sources: their sets are drawn from one pool, none twice, and the same records for both with
 * replacement, by task. `difference` is true of it: in each task as many records as it takes become right in all of the first
 * source's sets, other ones in each study.
 */
export function drawPair({ sets }: Pool, perSource: number, difference: number, uniform: () => number): Pair {
  const below = (count: number) => Math.floor(uniform() * count);
  const left = sets.map((_, i) => i);
  const drawn = Array.from({ length: 2 * perSource }, () => sets[left.splice(below(left.length), 1)[0]]);
  const records = sets[0].map(({ length }) => Array.from({ length }, () => below(length)));
  const helped = records.map(({ length }, task) => {
    const wrong = 1 - meanOf(sets.map((set) => meanOf(set[task])));
    return Array.from({ length }, () => uniform() < difference / wrong);
  });
  const resampled = (set: readonly RecordValues[]) =>
    set.map((values, task) => Uint8Array.from(records[task], (record) => values[record]));
  const improved = (set: RecordValues[]) =>
    set.map((values, task) => values.map((value, record) => (helped[task][record] ? 1 : value)));
  return {
    first: drawn.slice(0, perSource).map(resampled).map(improved),
    second: drawn.slice(perSource).map(resampled),
  };
}

export function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}

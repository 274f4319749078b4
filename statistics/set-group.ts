import { mean, sampleVariance } from "simple-statistics";
import type { RecordValues } from "./outcomes.js";

/** Sets drawn in one way (as a source's of one size), by what their models gave for the same records. */
export interface SetGroup {
  /** Each set's mean over the tasks of the mean over the records. */
  means: readonly number[];
  /** By task, the mean over the sets for each record. */
  recordMeans: readonly Float64Array[];
  /** Variance of a set's mean over other sets; null for one set. */
  variance: number | null;
  /**
   * The part of that variance which comes from there being no more records: sets answer single records differently even
   * where they are equally good. It falls with the number of records; null for one set.
   */
  recordNoise: number | null;
}

/** @param sets [set][task][record]; at least one set */
export function setGroup(sets: readonly (readonly RecordValues[])[]): SetGroup {
  const tasks = sets[0].map((_, task) => taskOfSets(sets.map((set) => set[task])));
  const means = sets.map((_, set) => rounded(mean(tasks.map((task) => task.means[set]))));
  const several = sets.length > 1;
  return {
    means,
    recordMeans: tasks.map(({ recordMeans }) => recordMeans),
    variance: several ? sampleVariance(means) : null,
    recordNoise: several ? sumOf(tasks.map(({ recordNoise }) => recordNoise)) / tasks.length ** 2 : null,
  };
}

/** One task's records, [set][record]. */
function taskOfSets(sets: readonly RecordValues[]) {
  const [count, records] = [sets.length, sets[0].length];
  const recordMeans = new Float64Array(records);
  let squares = 0;
  for (let record = 0; record < records; record++) {
    let [sum, ownSquares] = [0, 0];
    for (const set of sets) {
      sum += set[record];
      ownSquares += set[record] ** 2;
    }
    recordMeans[record] = sum / count;
    squares += ownSquares - sum ** 2 / count;
  }
  const means = sets.map((set) => sumOf(set) / records);
  const grand = sumOf(means) / count;
  const betweenSets = records * sumOf(means.map((value) => (value - grand) ** 2));
  // What is left of the squares after records and sets: their interaction, in a two-way table of one value a cell.
  const interaction = Math.max(0, squares - betweenSets) / ((count - 1) * (records - 1));
  return { means, recordMeans, recordNoise: count > 1 && records > 1 ? interaction / records : 0 };
}

export function sumOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum;
}

/** Accuracies are whole numbers over the records: what sums of them have beyond 12 decimals is rounding, and would pass for a spread. */
export function rounded(value: number): number {
  return Math.round(value * 1e12) / 1e12;
}

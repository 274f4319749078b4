import { quantileSorted } from "simple-statistics";
import { estimate, interval, pValue } from "../../statistics/contrast.js";
import type { RecordValues } from "../../statistics/outcomes.js";
import { setGroup } from "../../statistics/set-group.js";
import { meanOf, type Pair } from "./pool.js";

/** What a method of inference says about a pair of sources. */
export interface Verdict {
  found: boolean;
  low: number;
  high: number;
}

/** A method of inference, by its name in the figures. */
export const methods: Record<string, (pair: Pair, uniform: () => number) => Verdict> = {
  "sets and records (the report's)": ({ first, second }) => {
    const own = estimate([
      [1, setGroup(first)],
      [-1, setGroup(second)],
    ]);
    if (own === null) throw new RangeError("a source has a single set");
    const [low, high] = interval(own);
    return { found: pValue(own) < 0.05, low, high };
  },
  "unpaired z-test": ({ first, second }) => {
    const [a, b] = [first, second].map(accuracyOf);
    const half = 1.959964 * Math.hypot(a.standardError, b.standardError);
    return verdict(a.value - b.value - half, a.value - b.value + half);
  },
  "two-level bootstrap, percentiles": (pair, uniform) => bootstrap(pair, uniform),
};

function verdict(low: number, high: number): Verdict {
  return { found: low > 0 || high < 0, low, high };
}

/** Mean accuracy over the sets, with the error that a table of accuracies has: over records, as if each source had records of its own. */
function accuracyOf(sets: readonly RecordValues[][]) {
  const tasks = sets[0].map((values, task) => {
    const value = meanOf(sets.map((set) => meanOf(set[task])));
    return { value, variance: (value * (1 - value)) / (values.length - 1) };
  });
  const value = meanOf(tasks.map((task) => task.value));
  return { value, standardError: Math.sqrt(meanOf(tasks.map(({ variance }) => variance)) / tasks.length) };
}

const RESAMPLES = 300;

/** Sets resampled within their source, and the same records for both, by task. */
function bootstrap({ first, second }: Pair, uniform: () => number): Verdict {
  const below = (count: number) => Math.floor(uniform() * count);
  const weightsOf = (count: number) => {
    const weights = new Float64Array(count);
    for (let i = 0; i < count; i++) weights[below(count)] += 1 / count;
    return weights;
  };
  const values = Array.from({ length: RESAMPLES }, () => {
    const records = first[0].map(({ length }) => weightsOf(length));
    const level = (sets: readonly RecordValues[][], ofSets: Float64Array) =>
      sets.reduce((sum, set, i) => {
        if (ofSets[i] === 0) return sum;
        const tasks = set.map((outcomes, task) => {
          let weighted = 0;
          for (let record = 0; record < outcomes.length; record++) weighted += outcomes[record] * records[task][record];
          return weighted;
        });
        return sum + ofSets[i] * meanOf(tasks);
      }, 0);
    return level(first, weightsOf(first.length)) - level(second, weightsOf(second.length));
  }).sort((a, b) => a - b);
  return verdict(quantileSorted(values, 0.025), quantileSorted(values, 0.975));
}

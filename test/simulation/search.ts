import { uniformInt } from "pure-rand/distribution/uniformInt";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";
import { besidePilot, costOf, halvingRungs, type Rung, survivorsOf, withPilot } from "../../statistics/halving.js";
import { byCertainty } from "../../statistics/least-certain.js";
import { generatorOf } from "../../storage/generator.js";
import { normalValues, shuffled } from "./draw.js";
import { meanOf, type Pool, type PoolCertainty } from "./pool.js";
import { shareOf, shareText } from "./share.js";

export interface Searched {
  name: string;
  candidates: number;
  records: number;
  /** Share of the records that a search must do with. */
  budget: number;
  searches: number;
  /** Records of compressed models scored, the pilot's too, as a share of those that whole evaluations of all score. */
  cost: number;
  /** Searches whose choice is within one standard error of the best, and those that choose it. */
  within: number;
  best: number;
  /** As `within`, where rounds take records at random and not those first of which the dense model and the pilot are least certain. */
  withinAtRandom: number;
  /** What the choice has less than the best, and what a candidate has less that is chosen without looking: in accuracy, means. */
  regret: number;
  blindRegret: number;
}

/** Of a pool's records, in each search. */
const SHARE = 0.7;

/** That of the documentation's example, and what a study of a dozen sets with few records needs. */
const BUDGETS = [0.25, 0.5];

/** A candidate's outcomes, [task][record]. */
type Candidates = readonly (readonly ArrayLike<number>[])[];

/** What one search is about. */
interface Draw {
  sets: Candidates;
  /** Index of the candidate that is scored on all records first, where it is of this pool's method. */
  pilot?: number;
  /** [task]: records, those first of which the dense model and the pilot are least certain. */
  orders: readonly (readonly number[])[];
  /** Compressed models of all methods: they share the cost of the pilot's evaluation. */
  compressed: number;
}

/**
 * Searches for the best of some calibration sets by successive halving, each with another pilot, among other records: a share of the
 * pool's of each task. The truth is what whole evaluations say; the standard error is that of the best one's mean accuracy over the
 * tasks' records.
 */
export function simulateSearch(pools: readonly Pool[], searches: number, seed: string): Searched[] {
  return BUDGETS.flatMap((budget) => simulateBudget(pools, searches, seed, budget));
}

function simulateBudget(pools: readonly Pool[], searches: number, seed: string, budget: number): Searched[] {
  const real = pools
    .flatMap(({ name, sets, certainty }) =>
      certainty === undefined ? [] : [{ name, draw: drawer(pools, sets, certainty) }],
    )
    .filter(({ draw }) => rungsOf(draw(generatorOf("")), budget) !== undefined);
  return [...real, madeUp].map(({ name, draw }) => {
    const generator = generatorOf(`${seed}/search/${name}`);
    const total = { within: 0, withinAtRandom: 0, best: 0, regret: 0, blindRegret: 0 };
    let [cost, candidates, records] = [0, 0, 0];
    for (let search = 0; search < searches; search++) {
      const drawn = draw(generator);
      const { sets, orders, compressed } = drawn;
      const rungs = rungsOf(drawn, budget);
      if (rungs === undefined) throw new RangeError(`${name}: too few candidates for the budget`);
      const truth = sets.map((set) => meanOf(set.map(meanOf)));
      const best = Math.max(...truth);
      const error = standardError(sets[truth.indexOf(best)]);
      const chosen = truth[searchIn(drawn, rungs)];
      const atRandom = { ...drawn, orders: orders.map((order) => shuffled(order, generator)) };
      total.within += Number(best - chosen <= error);
      total.withinAtRandom += Number(best - truth[searchIn(atRandom, rungs)] <= error);
      total.best += Number(chosen === best);
      total.regret += (best - chosen) / searches;
      total.blindRegret += (best - meanOf(truth)) / searches;
      const counts = sets[0].map(({ length }) => length);
      records = counts.reduce((sum, count) => sum + count, 0);
      candidates = sets.length;
      cost = withPilot(costOf(rungs, counts) / (candidates * records), compressed);
    }
    return { name, candidates, records, budget, searches, cost, ...total };
  });
}

function rungsOf({ sets, compressed }: Draw, budget: number): Rung[] | undefined {
  const counts = sets[0].map(({ length }) => length);
  return halvingRungs(sets.length, counts, besidePilot(budget, compressed));
}

/** Draws searches from a pool, with some of the records of each task, so that no search is as another. */
function drawer(
  pools: readonly Pool[],
  sets: Candidates,
  { model, isPilots, dense }: PoolCertainty,
): (generator: RandomGenerator) => Draw {
  const ofModel = pools.flatMap(({ certainty }) => (certainty?.model === model ? [certainty] : []));
  const compressed = ofModel.reduce((sum, { values }) => sum + values.length, 0);
  const piloting = ofModel.find((each) => each.isPilots) ?? ofModel[0];
  return (generator) => {
    const index = uniformInt(generator, 0, piloting.values.length - 1);
    const pilot = isPilots ? index : undefined;
    const orders = sets[0].map(({ length }, task) => {
      const records = Array.from({ length }, (_, record) => record);
      const kept = new Set(shuffled(records, generator).slice(0, Math.ceil(SHARE * length)));
      return byCertainty([dense[task], piloting.values[index][task]]).filter((record) => kept.has(record));
    });
    return {
      sets: sets.map((set) => orders.map((order, task) => Uint8Array.from(order, (record) => set[task][record]))),
      ...{ pilot, compressed },
      orders: orders.map((order) => Array.from(order.keys())),
    };
  };
}

/** The index of the candidate that is chosen. */
function searchIn({ sets, pilot, orders }: Draw, rungs: readonly Rung[]): number {
  const scoreOf = (set: readonly ArrayLike<number>[], limit: number) =>
    meanOf(set.map((values, task) => meanOf(orders[task].slice(0, limit).map((record) => values[record]))));
  let left = sets.map((_, index) => index);
  for (const [round, { limit }] of rungs.entries()) {
    const scores = left.map((index) => scoreOf(sets[index], limit));
    const next = rungs[round + 1]?.candidates;
    const best = survivorsOf(scores, next ?? 1).map((at) => left[at]);
    left = next === undefined || pilot === undefined || best.includes(pilot) ? best : [...best, pilot];
  }
  return left[0];
}

/** Of the mean over tasks of a candidate's accuracies. */
function standardError(set: readonly ArrayLike<number>[]): number {
  const variances = set.map((values) => (meanOf(values) * (1 - meanOf(values))) / values.length);
  return Math.sqrt(meanOf(variances) / set.length);
}

const SOURCES = 5;
const SETS = 10;
const TASKS = 4;
const RECORDS = 500;
/**
 * In units of the spread of difficulty between records: how sources, sets, and single answers differ. Sources then lie some 0.8
 * points of accuracy apart, sets of one source some 0.5, and two sets answer one question in ten differently.
 */
const SPREADS = { source: 0.02, set: 0.013, answer: 0.2 };

/** Methods that have the dense model in common. */
const METHODS = 4;

/** Five sources of ten sets on four tasks of 500 records: an answer is right where the set's skill outweighs the record's difficulty. */
const madeUp = {
  name: "made up",
  draw: (generator: RandomGenerator): Draw => {
    const difficulties = Array.from({ length: TASKS }, () => normalValues(RECORDS, generator));
    const marginsOf = (skill: number) =>
      difficulties.map((task) => {
        const luck = normalValues(RECORDS, generator);
        return Float64Array.from(task, (difficulty, i) => skill + SPREADS.answer * luck[i] - difficulty);
      });
    const dense = marginsOf(0);
    const margins = normalValues(SOURCES, generator).flatMap((source) =>
      normalValues(SETS, generator).map((own) => marginsOf(SPREADS.source * source + SPREADS.set * own)),
    );
    return {
      sets: margins.map((set) => set.map((task) => Uint8Array.from(task, (margin) => Number(margin > 0)))),
      pilot: 0,
      orders: dense.map((task, i) => byCertainty([task.map(Math.abs), margins[0][i].map(Math.abs)])),
      compressed: METHODS * margins.length,
    };
  },
};

export function searchLines(figures: readonly Searched[]): string[] {
  const points = (accuracy: number) => `${(100 * accuracy).toFixed(2)} points`;
  const together = BUDGETS.flatMap((budget) => {
    const real = figures.filter((each) => each.budget === budget && each.name !== madeUp.name);
    const sum = (key: "within" | "searches") => real.reduce((total, each) => total + each[key], 0);
    if (real.length === 0) return [];
    return [
      `  ${100 * budget} %, all real outcomes: within one standard error ${shareText(shareOf(sum("within"), sum("searches")))}`,
    ];
  });
  return [
    "successive halving with at most so many of the records",
    ...together,
    ...figures.map(
      ({ name, candidates, records, budget, searches, cost, within, withinAtRandom, best, regret, blindRegret }) =>
        `  ${100 * budget} %, ${name}: ${candidates} sets, ${records} records each, ${(100 * cost).toFixed(1)} % of them scored; within one standard error of the best ${shareText(shareOf(within, searches))} (records at random: ${shareText(shareOf(withinAtRandom, searches))}), the best itself ${shareText(shareOf(best, searches))}; ${points(regret)} below it on average, a set taken blindly ${points(blindRegret)}`,
    ),
  ];
}

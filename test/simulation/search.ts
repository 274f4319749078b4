import type { RandomGenerator } from "pure-rand/types/RandomGenerator";
import { costOf, halvingRungs, type Rung, survivorsOf } from "../../statistics/halving.js";
import { generatorOf } from "../../storage/generator.js";
import { normalValues, shuffled } from "./draw.js";
import { meanOf, type Pool } from "./pool.js";
import { shareOf, shareText } from "./share.js";

export interface Searched {
  name: string;
  candidates: number;
  records: number;
  /** Share of the records that a search must do with. */
  budget: number;
  searches: number;
  /** Records scored, as a share of those that whole evaluations of all candidates score. */
  cost: number;
  /** Searches whose choice is within one standard error of the best, and those that choose it. */
  within: number;
  best: number;
  /** What the choice has less than the best, and what a candidate has less that is chosen without looking: in accuracy, means. */
  regret: number;
  blindRegret: number;
}

/** That of the documentation's example, and what a study of a dozen sets with few records needs. */
const BUDGETS = [0.25, 0.5];

/** A candidate's outcomes, [task][record]. */
type Candidates = readonly (readonly ArrayLike<number>[])[];

/**
 * Searches for the best of some calibration sets by successive halving, each with the records in another order. The truth is what
 * whole evaluations say; the standard error is that of the best one's mean accuracy over the tasks' records.
 */
export function simulateSearch(pools: readonly Pool[], searches: number, seed: string): Searched[] {
  return BUDGETS.flatMap((budget) => simulateBudget(pools, searches, seed, budget));
}

function simulateBudget(pools: readonly Pool[], searches: number, seed: string, budget: number): Searched[] {
  const real = pools
    .filter((pool) => isLargeEnough(pool, budget))
    .map(({ name, sets }) => ({ name, draw: () => sets }));
  return [...real, madeUp].map(({ name, draw }) => {
    const generator = generatorOf(`${seed}/search/${name}`);
    const total = { within: 0, best: 0, regret: 0, blindRegret: 0 };
    let [cost, candidates, records] = [0, 0, 0];
    for (let search = 0; search < searches; search++) {
      const sets = draw(generator);
      const counts = sets[0].map(({ length }) => length);
      const rungs = halvingRungs(sets.length, counts, budget);
      if (rungs === undefined) throw new RangeError(`${name}: too few candidates for the budget`);
      const truth = sets.map((set) => meanOf(set.map(meanOf)));
      const best = Math.max(...truth);
      const chosen = truth[searchIn(sets, rungs, generator)];
      total.within += Number(best - chosen <= standardError(sets[truth.indexOf(best)]));
      total.best += Number(chosen === best);
      total.regret += (best - chosen) / searches;
      total.blindRegret += (best - meanOf(truth)) / searches;
      records = counts.reduce((sum, count) => sum + count, 0);
      candidates = sets.length;
      cost = costOf(rungs, counts) / (candidates * records);
    }
    return { name, candidates, records, budget, searches, cost, ...total };
  });
}

/** Fewer sets or records than the budget can be divided among say nothing. */
function isLargeEnough({ sets }: Pool, budget: number): boolean {
  const counts = sets[0].map(({ length }) => length);
  return halvingRungs(sets.length, counts, budget) !== undefined;
}

/** The index of the candidate that is left, with the records of each task in random order. */
function searchIn(sets: Candidates, rungs: readonly Rung[], generator: RandomGenerator): number {
  const orders = sets[0].map(({ length }) =>
    shuffled(
      Array.from({ length }, (_, i) => i),
      generator,
    ),
  );
  const scoreOf = (set: readonly ArrayLike<number>[], limit: number) =>
    meanOf(set.map((values, task) => meanOf(orders[task].slice(0, limit).map((record) => values[record]))));
  let left = sets.map((_, index) => index);
  for (const [round, { limit }] of rungs.entries()) {
    const scores = left.map((index) => scoreOf(sets[index], limit));
    left = survivorsOf(scores, rungs[round + 1]?.candidates ?? 1).map((at) => left[at]);
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

/** Five sources of ten sets on four tasks of 500 records: an answer is right where the set's skill outweighs the record's difficulty. */
const madeUp = {
  name: "made up",
  draw: (generator: RandomGenerator): Candidates => {
    const difficulties = Array.from({ length: TASKS }, () => normalValues(RECORDS, generator));
    return normalValues(SOURCES, generator).flatMap((source) =>
      normalValues(SETS, generator).map((own) => {
        const skill = SPREADS.source * source + SPREADS.set * own;
        return difficulties.map((task) => {
          const luck = normalValues(RECORDS, generator);
          return Uint8Array.from(task, (difficulty, i) => Number(skill + SPREADS.answer * luck[i] > difficulty));
        });
      }),
    );
  },
};

export function searchLines(figures: readonly Searched[]): string[] {
  const points = (accuracy: number) => `${(100 * accuracy).toFixed(2)} points`;
  return [
    "successive halving with at most so many of the records",
    ...figures.map(
      ({ name, candidates, records, budget, searches, cost, within, best, regret, blindRegret }) =>
        `  ${100 * budget} %, ${name}: ${candidates} sets, ${records} records each, ${(100 * cost).toFixed(1)} % of them scored; within one standard error of the best ${shareText(shareOf(within, searches))}, the best itself ${shareText(shareOf(best, searches))}; ${points(regret)} below it on average, a set taken blindly ${points(blindRegret)}`,
    ),
  ];
}

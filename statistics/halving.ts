/** A round of a search: so many candidates, each with `limit` records of every task. */
export interface Rung {
  candidates: number;
  limit: number;
}

/** Halving ends with so many candidates or fewer: fewer rounds drop less by chance, and more leave less to choose from. */
const FINALISTS = 4;

/** Where records grow by more from round to round, the first looks are at too few: fewer finalists leave them more. */
const MOST_GROWTH = 3;

/**
 * Rounds of successive halving (Karnin, Koren & Somekh 2013, Almost optimal exploration in multi-armed bandits; Jamieson & Talwalkar
 * 2016, Non-stochastic best arm identification, algorithm 1): the better half goes on, with more records each time, by a
 * factor with which the budget is just kept; the last ones have all. Where even four whole evaluations cost too much, fewer are
 * left. No library has it.
 * @param records of each task
 * @param budget share of the records that whole evaluations of all candidates would score, 0..1
 * @returns undefined where the budget isn't enough for one whole evaluation and a first look at all
 */
export function halvingRungs(candidates: number, records: readonly number[], budget: number): Rung[] | undefined {
  const most = Math.max(...records);
  const whole = [{ candidates, limit: most }];
  const allowed = budget * costOf(whole, records);
  if (budget >= 1) return whole;
  let found: Rung[] | undefined;
  for (const rungs of schemes(candidates, most)) {
    const isKept = (growth: number) => costOf(rungs(growth), records) <= allowed;
    if (!isKept(most)) continue;
    const growth = leastFrom(1, most, isKept);
    found = rungs(growth);
    if (growth <= MOST_GROWTH) break;
  }
  return found;
}

/** The least budget of which `halvingRungs` makes rounds: one record first, one whole evaluation last. */
export function leastShare(candidates: number, records: readonly number[]): number {
  const most = Math.max(...records);
  const whole = costOf([{ candidates, limit: most }], records);
  return Math.min(whole, ...schemes(candidates, most).map((rungs) => costOf(rungs(most), records))) / whole;
}

/** Rounds by the factor with which records grow, from those that leave the most finalists to those that leave one. */
function schemes(candidates: number, most: number): ((growth: number) => Rung[])[] {
  const counts = Array.from({ length: Math.ceil(Math.log2(candidates)) }, (_, i) => i + 1);
  const enough = counts.filter((halvings) => candidates / 2 ** halvings <= FINALISTS);
  return enough.map(
    (halvings) => (growth) =>
      Array.from({ length: halvings + 1 }, (_, i) => ({
        candidates: Math.ceil(candidates / 2 ** i),
        limit: Math.ceil(most / growth ** (halvings - i)),
      })),
  );
}

/** Records that are scored, over all candidates: those of a round before are not scored again. */
export function costOf(rungs: readonly Rung[], records: readonly number[]): number {
  const scored = (limit: number) => records.reduce((sum, count) => sum + Math.min(limit, count), 0);
  return rungs.reduce(
    (sum, { candidates, limit }, i) => sum + candidates * (scored(limit) - scored(i === 0 ? 0 : rungs[i - 1].limit)),
    0,
  );
}

/** The share of so many compressed models' records that is left to rounds, of a budget for these models and their pilot's whole evaluation. */
export function besidePilot(budget: number, compressed: number): number {
  return budget >= 1 ? budget : budget - 1 / compressed;
}

/** The inverse. The pilot counts as if it were none of the rounds' candidates: it is one in those of its method. */
export function withPilot(share: number, compressed: number): number {
  return share >= 1 ? share : share + 1 / compressed;
}

/** Indexes of the `count` candidates with the highest scores, best first; of equal ones the earlier. NaN comes last. */
export function survivorsOf(scores: readonly number[], count: number): number[] {
  const rank = (index: number) => (Number.isNaN(scores[index]) ? Number.NEGATIVE_INFINITY : scores[index]);
  const order = scores.map((_, index) => index).sort((a, b) => rank(b) - rank(a) || a - b);
  return order.slice(0, count);
}

/** The least x between `low` and `high` from which on something holds, which it does at `high`: 40 halvings. */
function leastFrom(low: number, high: number, holds: (x: number) => boolean): number {
  let [from, to] = [low, high];
  for (let i = 0; i < 40; i++) {
    const middle = (from + to) / 2;
    if (holds(middle)) to = middle;
    else from = middle;
  }
  return to;
}

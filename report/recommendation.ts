import { type Comparison, type ComparisonFigures, SIGNIFICANCE } from "../statistics/comparisons.js";
import type { VarianceShares } from "../statistics/variance-shares.js";
import { countOf, formatLevel, formatPercent, formatPValue, formatSpread, listOf } from "./numbers.js";
import { shareText, sourceShareText } from "./shares-table.js";
import type { MethodStatistics, ModelStatistics, StudyStatistics } from "./statistics.js";

/** What to do about calibration data with one method. */
export interface Recommendation {
  method: string;
  /** Whether some sources are told apart. */
  verdict: "matters" | "notShown" | "tooFewSets";
  /** Best on average; null: the study can't say. */
  source: string | null;
  /** Sources that the best one can't be told apart from. */
  alike: readonly string[];
  /** In plain words; every figure is the study's. */
  text: string;
}

/**
 * A recommendation for each method that uses data, where there are sources to choose from.
 * @param more sentences about a method, as on how many examples suffice
 */
export function recommendations(
  { comparisons }: StudyStatistics,
  model: ModelStatistics,
  more: (method: string) => readonly string[] = () => [],
): Recommendation[] {
  return model.methods
    .filter(({ dataFree }) => !dataFree)
    .flatMap((method) => {
      const families = comparisons.filter(
        (family) => family.kind === "source" && family.model === model.model && family.method === method.method,
      );
      const family = families.find(({ size }) => size === method.sizes.at(-1)?.size);
      return family === undefined ? [] : [recommend(method, family.comparisons, more(method.method))];
    });
}

function recommend(method: MethodStatistics, family: readonly Comparison[], more: readonly string[]): Recommendation {
  const known = family.flatMap(({ first, second, figures }) => (figures === null ? [] : [{ first, second, figures }]));
  const compared = new Set(known.flatMap(({ first, second }) => [first, second]));
  const left = family.flatMap(({ first, second, missing }) => (missing === null ? [] : [first, second]));
  const ranked = rankedSources(method, compared);
  const [best, worst] = [ranked.at(0), ranked.at(-1)];
  if (best === undefined || worst === undefined) {
    const text =
      "No source can be recommended: two finished sets a source at least are needed to tell sources from sets, and five or more to find small differences.";
    return { method: method.method, verdict: "tooFewSets", source: null, alike: [], text };
  }
  const rivals = ranked.slice(1).flatMap(({ source }) => {
    const figures = oriented(known, best.source, source);
    return figures === undefined ? [] : [{ source, figures }];
  });
  const alike = rivals.filter(({ figures }) => figures.correctedP >= SIGNIFICANCE).map(({ source }) => source);
  const beaten = rivals.filter(({ figures }) => figures.correctedP < SIGNIFICANCE);
  const anyFound = known.some(({ figures }) => figures.correctedP < SIGNIFICANCE);
  const uncompared = [...new Set(left)].filter((source) => !compared.has(source));
  const sentences = [
    ...(anyFound ? choiceSentences(best, alike, beaten) : [noChoiceSentence(best, known)]),
    ...costSentences(best, worst.source, rivals.at(-1)?.figures),
    ...drawSentences(best.source, rivals.at(0)),
    ...shareSentences(method.shares.tasksMean ?? null),
    ...noiseSentences(method, anyFound),
    ...(uncompared.length > 0 ? [`Not compared, with fewer than two finished sets: ${listOf(uncompared)}.`] : []),
    ...more,
  ];
  const verdict = anyFound ? "matters" : "notShown";
  return { method: method.method, verdict, source: best.source, alike, text: sentences.join(" ") };
}

interface Ranked {
  source: string;
  mean: number;
}

/** The best first. */
function rankedSources({ sizes }: MethodStatistics, compared: ReadonlySet<string>): Ranked[] {
  return (sizes.at(-1)?.sources ?? [])
    .flatMap(({ source, measures }) => {
      const mean = measures.tasksMean?.mean;
      return mean != null && compared.has(source) ? [{ source, mean }] : [];
    })
    .sort((a, b) => b.mean - a.mean);
}

type Known = { first: string; second: string; figures: ComparisonFigures };
type Rival = { source: string; figures: ComparisonFigures };

/** The figures of `first` minus `second`, whichever way round they were compared. */
function oriented(known: readonly Known[], first: string, second: string): ComparisonFigures | undefined {
  const same = known.find((each) => each.first === first && each.second === second);
  if (same !== undefined) return same.figures;
  const figures = known.find((each) => each.first === second && each.second === first)?.figures;
  if (figures === undefined) return undefined;
  const { superiority } = figures;
  return {
    ...figures,
    ...{ value: -figures.value, low: -figures.high, high: -figures.low },
    ...{ familyLow: -figures.familyHigh, familyHigh: -figures.familyLow },
    effectSize: figures.effectSize === null ? null : -figures.effectSize,
    superiority: superiority && {
      ...{ probability: 1 - superiority.probability, low: 1 - superiority.high, high: 1 - superiority.low },
    },
  };
}

/** Where some sources are told apart. */
function choiceSentences(best: Ranked, alike: readonly string[], beaten: readonly Rival[]) {
  const level = `${formatLevel(best.mean, "tasksMean")} %`;
  const p = Math.max(...beaten.map(({ figures }) => figures.correctedP));
  const better =
    beaten.length === 0
      ? "no source is told apart from it, though others differ among themselves"
      : `better than ${listOf(beaten.map(({ source }) => source))} (corrected p ${atMost(p)})`;
  const head = `The choice of source matters. Take ${best.source}: its mean accuracy of ${level} is the highest, ${better}.`;
  return alike.length === 0 || beaten.length === 0
    ? [head]
    : [
        head,
        `From ${listOf(alike)} it can't be told apart, so ${alike.length === 1 ? "that serves" : "those serve"} as well for all that is known.`,
      ];
}

function noChoiceSentence(best: Ranked, known: readonly Known[]): string {
  const p = Math.min(...known.map(({ figures }) => figures.correctedP));
  const detectable = Math.max(...known.map(({ figures }) => figures.detectable));
  const level = `${formatLevel(best.mean, "tasksMean")} %`;
  const pairs =
    known.length === 1
      ? `the two sources can't be told apart (p ${equals(p)})`
      : `none of ${countOf(known.length, "pair")} of sources differs beyond chance (least corrected p ${equals(p)})`;
  return `That the choice of source matters is not shown: ${pairs}. ${best.source} had the highest mean accuracy, ${level}, which may be luck. ${reachSentence(best, detectable)}`;
}

function reachSentence(best: Ranked, detectable: number): string {
  if (isBeyondAccuracies(best, detectable))
    return "With so few sets no difference that accuracies can have would have been found with a probability of 80 %: more sets are needed to say.";
  return `Differences of ${formatSpread(detectable, "task")} points or more would have been found with a probability of 80 %; smaller ones may be there.`;
}

/** A bound from few sets may be larger than any two accuracies can differ by, and then it says nothing. */
function isBeyondAccuracies(best: Ranked, difference: number): boolean {
  return difference >= Math.max(best.mean, 1 - best.mean);
}

/** For all comparisons together, since the worst was picked after looking. */
function costSentences(best: Ranked, worst: string, figures: ComparisonFigures | undefined): string[] {
  if (figures === undefined) return [];
  const [low, high] = [figures.familyLow, figures.familyHigh].map((value) => formatLevel(value, "task"));
  const cost = formatLevel(figures.value, "task");
  if (figures.correctedP >= SIGNIFICANCE) {
    const most = isBeyondAccuracies(best, figures.familyHigh)
      ? "so few sets set no bound to its true cost, which may be none"
      : `its true cost is at most ${high} points, and may be none`;
    return [`The worst choice, ${worst}, was ${cost} points below; ${most}.`];
  }
  // Holm's method finds some differences whose simultaneous interval still holds 0.
  const range = figures.familyLow > 0 ? `between ${low} and ${high}` : `at most ${high}`;
  return [`The worst choice, ${worst}, would cost ${cost} points (${range}).`];
}

/** How sure that is for a single set, which is what a user draws. */
function drawSentences(best: string, second: Rival | undefined): string[] {
  const superiority = second?.figures.superiority;
  if (second === undefined || !superiority) return [];
  const { probability, low, high } = superiority;
  return [
    `One new set of ${best} would be better than one of ${second.source}, the next best, with a probability of ${formatPercent(probability)} (${formatPercent(low)} to ${formatPercent(high)}).`,
  ];
}

function shareSentences(shares: VarianceShares | { missing: string } | null): string[] {
  if (shares === null || "missing" in shares) return [];
  const { source, set, noise } = shares;
  const rest = noise === null ? "the set within it, with noise that was not measured," : "the set within it";
  const third = noise === null ? "" : ` and numerical noise for ${shareText(noise)}`;
  return [
    `Of the variance over sets the source accounts for ${sourceShareText(source)}, ${rest} for ${shareText(set)}${third}.`,
  ];
}

function noiseSentences({ noise }: MethodStatistics, anyFound: boolean): string[] {
  if (noise.tasksMean?.verdict !== "within") return [];
  return anyFound
    ? ["Single sets differ by no more than numerical noise does: it is the means over several that differ."]
    : ["The spread over sets isn't above the numerical noise floor: it says nothing about the data."];
}

function equals(p: number): string {
  return p < 0.001 ? formatPValue(p) : `= ${formatPValue(p)}`;
}

function atMost(p: number): string {
  return p < 0.001 ? formatPValue(p) : `≤ ${formatPValue(p)}`;
}

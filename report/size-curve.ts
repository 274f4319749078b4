import type { CellResult, StudyResults } from "../study/results.js";
import { headlines, type Measure, readerOf } from "./measures.js";
import { countOf } from "./numbers.js";
import type { MethodStatistics, ModelStatistics, StudyStatistics } from "./statistics.js";
import { halfWidth } from "./student.js";
import { type Summary, summarize } from "./variance.js";

/** What larger calibration sets gain with a method, by one measure. */
export interface SizeCurve {
  method: string;
  /** The measure's key. */
  measure: string;
  /** From each size to the next larger one. */
  steps: readonly SizeStep[];
  /**
   * What a doubling has to gain: the standard deviation of the noise replicates, or, where they weren't measured or all agree, that
   * the 95 % interval of the gain lies above 0.
   */
  against: { kind: "noise"; value: number } | { kind: "interval" };
  /**
   * - `settled`: from `size` on no step gains that much;
   * - `rising`: the last step still does;
   * - `unmeasured`: a step has too few sets at both sizes, which `missing` names.
   */
  verdict: "settled" | "rising" | "unmeasured";
  /** Sequences a set, the smallest that suffice; null unless settled. */
  size: number | null;
  missing: string | null;
}

export interface SizeStep {
  from: number;
  to: number;
  /** Of each set with its own beginning, per doubling: accuracy gained, or perplexity lost. */
  gain: Summary;
  /** Of the 95 % interval of the mean gain. */
  halfWidth: number | null;
  /** Whether it gains more than the noise; null: not measured. */
  exceeds: boolean | null;
}

const FEWEST_SETS = 2;

/** For each method that uses data and stands with several sizes, and each headline measure. */
export function sizeCurves(
  results: StudyResults,
  { measures }: StudyStatistics,
  { model, methods }: ModelStatistics,
): SizeCurve[] {
  return methods
    .filter(({ dataFree, sizes }) => !dataFree && sizes.length > 1)
    .flatMap((method) => {
      const cells = results.cells.filter(
        (cell) => cell.model === model && cell.methodLabel === method.method && cell.noise === null,
      );
      return headlines(measures).map((measure) => {
        const read = readerOf(results, measures, measure);
        return curveOf(method, measure, (size) => valuesBySet(cells, size, read));
      });
    });
}

/** How many sequences suffice for a method by a measure; undefined: the study says nothing of it. */
export function sufficientSize(curves: readonly SizeCurve[], method: string, measure: string): number | undefined {
  return curves.find((curve) => curve.method === method && curve.measure === measure)?.size ?? undefined;
}

type BySet = ReadonlyMap<string, number>;

function valuesBySet(
  cells: readonly CellResult[],
  size: number,
  read: (cell: CellResult) => number | undefined,
): BySet {
  const own = cells.filter((cell) => cell.size === size);
  return new Map(
    own.flatMap((cell) => {
      const value = read(cell);
      return value === undefined ? [] : [[JSON.stringify([cell.source, cell.set]), value] as const];
    }),
  );
}

function curveOf(method: MethodStatistics, { key, kind }: Measure, valuesAt: (size: number) => BySet): SizeCurve {
  const sizes = method.sizes.map(({ size }) => size);
  const deviation = method.noise[key].noise.standardDeviation;
  const against: SizeCurve["against"] = deviation ? { kind: "noise", value: deviation } : { kind: "interval" };
  const sign = kind === "perplexity" ? -1 : 1;
  const steps = sizes.slice(1).map((to, i) => stepOf(sizes[i], to, sign, valuesAt, against));
  return { method: method.method, measure: key, steps, against, ...judge(steps) };
}

function stepOf(
  from: number,
  to: number,
  sign: number,
  valuesAt: (size: number) => BySet,
  against: SizeCurve["against"],
): SizeStep {
  const after = valuesAt(to);
  const doublings = Math.log2(to / from);
  const gains = [...valuesAt(from)].flatMap(([set, before]) => {
    const value = after.get(set);
    return value === undefined ? [] : [(sign * (value - before)) / doublings];
  });
  const gain = summarize(gains);
  const half = halfWidth(gain);
  if (gain.mean === null || half === null || gain.count < FEWEST_SETS)
    return { from, to, gain, halfWidth: null, exceeds: null };
  const exceeds = against.kind === "noise" ? gain.mean > against.value : gain.mean - half > 0;
  return { from, to, gain, halfWidth: half, exceeds };
}

function judge(steps: readonly SizeStep[]): Pick<SizeCurve, "verdict" | "size" | "missing"> {
  const unknown = steps.find(({ exceeds }) => exceeds === null);
  if (unknown !== undefined) {
    const { from, to, gain } = unknown;
    const missing = `${countOf(gain.count, "set")} ${gain.count === 1 ? "has" : "have"} finite figures both of ${from} and of ${to} sequences, and it needs ${FEWEST_SETS}`;
    return { verdict: "unmeasured", size: null, missing };
  }
  const last = steps.findLastIndex(({ exceeds }) => exceeds);
  if (last === steps.length - 1) return { verdict: "rising", size: null, missing: null };
  return { verdict: "settled", size: steps[last + 1].from, missing: null };
}

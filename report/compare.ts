import { toFigure, toNumber } from "../study/figures.js";
import { grouped } from "../study/grouped.js";
import { cellName } from "../study/names.js";
import type { CellResult, Figure, StudyResults } from "../study/results.js";
import { type Difference, differencesOf } from "./differences.js";
import { difference, type Measure, measuresOf, type Reader, readerOf } from "./measures.js";
import type { ByMeasure } from "./statistics.js";
import { type Summary, summarize } from "./variance.js";

/** Two studies side by side; plain JSON. */
export interface Comparison {
  names: readonly [string, string];
  /** What they were told to do otherwise, and what their figures depend on besides. */
  specification: readonly Difference[];
  environment: readonly Difference[];
  /** Measures that both have. */
  measures: readonly Measure[];
  /** What isn't compared, and why. */
  incomparable: readonly { what: string; why: string; count: number }[];
  /** By model, method, source and size, of cells that are compared. */
  groups: readonly ComparedGroup[];
  cells: readonly ComparedCell[];
}

export interface ComparedGroup {
  model: string;
  method: string;
  /** null: of the dense model. */
  source: string | null;
  size: number | null;
  pairs: number;
  /** Over the group's pairs; `difference` is second minus first, pair by pair. */
  measures: ByMeasure<{ first: Summary; second: Summary; difference: Summary }>;
}

export interface ComparedCell {
  name: string;
  model: string;
  measures: ByMeasure<{ first: Figure; second: Figure }>;
}

/**
 * Compares cells of the same name where they are the same experiment: the same settings of the method, the same calibration set
 * (by its digest), the same number of records or tokens, and none or the same chosen records. All else is listed with the reason.
 * Tables show the first one's metric.
 */
export function compareStudies(first: StudyResults, other: StudyResults): Comparison {
  const second = { ...other, tableMetric: first.tableMetric };
  const candidates = measuresOf(first).filter(({ key }) => measuresOf(second).some((measure) => measure.key === key));
  const partners = new Map(second.cells.map((cell) => [cellName(cell), cell]));
  const pairs: Pair[] = [];
  const reasons: Reason[] = [];
  for (const cell of first.cells) {
    const partner = partners.get(cellName(cell));
    const why = partner === undefined ? `only ${first.name} has finished it` : mismatch(cell, partner);
    if (partner !== undefined && why === undefined) pairs.push({ first: cell, second: partner });
    else reasons.push({ what: groupName(cell), why: why ?? "" });
  }
  const names = new Set(first.cells.map(cellName));
  const alone = second.cells.filter((cell) => !names.has(cellName(cell)));
  reasons.push(...alone.map((cell) => ({ what: groupName(cell), why: `only ${second.name} has finished it` })));
  const measures = candidates.filter(({ id, kind, key }) => {
    if (kind !== "task" && kind !== "perplexity" && kind !== "perturbed") return true;
    const why = otherRecords(pairs, kind === "perplexity" ? "perplexity" : "task", id);
    if (why !== undefined) reasons.push({ what: key.replace(":", " "), why });
    return why === undefined;
  });
  // Means over tasks need them all.
  const isWhole = measures.length === candidates.length && sameTasks(first, second);
  const compared = measures.filter(({ kind }) => isWhole || (kind !== "tasksMean" && kind !== "lostMean"));
  if (compared.length < measures.length) {
    reasons.push({ what: "means over tasks", why: "the studies have other tasks, or other records of them" });
  }
  const readers = compared.map(({ key, ...measure }) => ({
    key,
    readFirst: readerOf(first, measuresOf(first), { key, ...measure }),
    readSecond: readerOf(second, measuresOf(second), { key, ...measure }),
  }));
  return {
    names: [first.name, second.name],
    specification: differencesOf(first.spec ?? {}, second.spec ?? {}).filter(({ path }) => path !== "name"),
    environment: differencesOf(first.environment, second.environment),
    measures: compared,
    incomparable: counted(reasons),
    groups: groupsOf(pairs, readers),
    cells: pairs.map((pair) => comparedCell(pair, readers)),
  };
}

interface Pair {
  first: CellResult;
  second: CellResult;
}

interface Reason {
  what: string;
  why: string;
}

interface PairReader {
  key: string;
  readFirst: Reader;
  readSecond: Reader;
}

/** undefined where both are the same experiment. */
function mismatch(first: CellResult, second: CellResult): string | undefined {
  if (differencesOf(first.method, second.method).length > 0) return "the method's settings differ";
  if (first.calibrationDigest !== second.calibrationDigest) return "the calibration sets hold other sequences";
  return undefined;
}

function otherRecords(pairs: readonly Pair[], kind: "task" | "perplexity", id: string): string | undefined {
  const evaluationOf = (cell: CellResult) => cell.evaluations.find((each) => each.id === id && each.kind === kind);
  for (const { first, second } of pairs) {
    const [one, two] = [evaluationOf(first), evaluationOf(second)];
    if (one === undefined || two === undefined) continue;
    const unit = kind === "task" ? "records" : "tokens";
    if (one.count !== two.count) return `${one.count} ${unit} were scored in one, ${two.count} in the other`;
    if (one.chosen !== two.chosen) return "other records were chosen in one than in the other";
  }
  return undefined;
}

function sameTasks(first: StudyResults, second: StudyResults): boolean {
  const tasks = (results: StudyResults) => {
    const all = measuresOf(results).filter(({ kind }) => kind === "task" || kind === "perturbed");
    return JSON.stringify(all.map(({ id }) => id).sort());
  };
  return tasks(first) === tasks(second);
}

function groupName({ model, methodLabel, source, size, noise }: CellResult): string {
  if (source === null) return `${model}/${methodLabel}`;
  return `${model}/${methodLabel}/${source}-n${size}${noise === null ? "" : "-noise"}`;
}

function counted(reasons: readonly Reason[]): Comparison["incomparable"] {
  const counts = new Map<string, Reason & { count: number }>();
  for (const reason of reasons) {
    const key = JSON.stringify([reason.what, reason.why]);
    counts.set(key, { ...reason, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  return [...counts.values()];
}

/** Noise replicates are jittered, not drawn: they are compared cell by cell only. */
function groupsOf(pairs: readonly Pair[], readers: readonly PairReader[]): ComparedGroup[] {
  const drawn = pairs.filter(({ first }) => first.noise === null);
  const keyOf = ({ first: { model, methodLabel, source, size } }: Pair) =>
    JSON.stringify([model, methodLabel, source, size]);
  return grouped(drawn, keyOf).map(([, own]) => {
    const { model, methodLabel: method, source, size } = own[0].first;
    const measures = readers.map(({ key, readFirst, readSecond }) => {
      const values = own.flatMap(({ first, second }) => {
        const [one, two] = [readFirst(first), readSecond(second)];
        const less = difference(two, one);
        return one === undefined || two === undefined || less === undefined
          ? []
          : [{ first: one, second: two, difference: less }];
      });
      const of = (side: "first" | "second" | "difference") => summarize(values.map((value) => value[side]));
      return [key, { first: of("first"), second: of("second"), difference: of("difference") }] as const;
    });
    return { model, method, source, size, pairs: own.length, measures: Object.fromEntries(measures) };
  });
}

function comparedCell({ first, second }: Pair, readers: readonly PairReader[]): ComparedCell {
  const measures = readers.flatMap(({ key, readFirst, readSecond }) => {
    const [one, two] = [readFirst(first), readSecond(second)];
    return one === undefined || two === undefined
      ? []
      : [[key, { first: toFigure(one), second: toFigure(two) }] as const];
  });
  return { name: cellName(first), model: first.model, measures: Object.fromEntries(measures) };
}

/** Second minus first; NaN where that is no number. */
export function differenceOf({ first, second }: { first: Figure; second: Figure }): number {
  return difference(toNumber(second), toNumber(first)) ?? Number.NaN;
}

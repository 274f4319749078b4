import { setsOf } from "./cells.js";
import { isGiven, type StudySource } from "./source.js";
import { computedModels, lastingSpec, type StudySpec, studySpecSchema } from "./spec.js";

/**
 * Where a specification takes something from what was computed under its name, or changes its meaning; none: it is the same, or
 * extends it. `calibration.seed: 0 -> 1`, `sources.c4: left out`.
 */
export function conflictsOf(before: StudySpec, after: StudySpec): string[] {
  const { noiseReplicates, sizes } = before.calibration;
  const [first] = before.sources;
  const drawsOthers = !before.sources.every(isGiven) || noiseReplicates > 0;
  return [
    ...inListed("models", computedModels(before), computedModels(after)),
    ...inListed("sources", before.sources, withSetsAsBefore(before.sources, after.sources)),
    ...(noiseReplicates > 0 ? changes("sources[0].id (noise replicates)", first.id, after.sources[0].id) : []),
    ...leftOut("methods", before.methods.map(text), after.methods.map(text)),
    ...leftOut("calibration.sizes", sizes, after.calibration.sizes),
    // Sets are drawn for the largest size: with a larger one they hold other documents.
    ...(drawsOthers
      ? changes("calibration.sizes (largest)", Math.max(...sizes), Math.max(...after.calibration.sizes))
      : []),
    ...inCalibration(before.calibration, after.calibration),
    ...inStopping(before, after),
    ...inEvaluation(before.evaluation, after.evaluation),
    ...changes("device", before.device ?? "auto", after.device ?? "auto"),
    ...changes("checkpoints.bucket", before.checkpoints.bucket, after.checkpoints.bucket),
    ...changes("checkpoints.prefix", before.checkpoints.prefix, after.checkpoints.prefix),
  ];
}

/** The specification that the store keeps under a study's name; undefined where it was altered. */
export function parseLastingSpec(json: unknown): StudySpec | undefined {
  return studySpecSchema.safeParse(json).data;
}

/** Whether both make the same study. */
export function isSameStudy(one: StudySpec, other: StudySpec): boolean {
  return text(lastingSpec(one)) === text(lastingSpec(other));
}

function inCalibration(before: StudySpec["calibration"], after: StudySpec["calibration"]): string[] {
  const { sizes: _, sets, noiseReplicates, ...rest } = before;
  const { sizes: __, sets: setsAfter, noiseReplicates: noiseAfter, ...restAfter } = after;
  return [
    ...changes("calibration", rest, restAfter),
    ...fewer("calibration.sets", sets, setsAfter),
    ...fewer("calibration.noiseReplicates", noiseReplicates, noiseAfter),
  ];
}

/** Intervals hold whenever one stops: another rule is no conflict, but sets that it leaves out are. */
function inStopping(before: StudySpec, after: StudySpec): string[] {
  const isKept = after.calibration.sets >= before.calibration.sets;
  return isKept ? fewer("stopping.maximum", setsOf(before), setsOf(after)) : [];
}

function inEvaluation(before: StudySpec["evaluation"], after: StudySpec["evaluation"]): string[] {
  const { definitions = {}, noiseSeed = 0 } = before;
  const known = Object.keys(definitions);
  const kept = Object.entries(after.definitions ?? {}).filter(([name]) => known.includes(name));
  const texts = withLimitsAsBefore(before.perplexity, after.perplexity);
  return [
    ...leftOut("evaluation.tasks", before.tasks, after.tasks),
    ...changes("evaluation.definitions", definitions, Object.fromEntries(kept)),
    ...(before.tasks.length > 0 ? changes("evaluation.data", before.data, after.data) : []),
    ...changes("evaluation.numFewshot", before.numFewshot, after.numFewshot),
    ...changes("evaluation.addBos", before.addBos, after.addBos),
    ...changes("evaluation.noiseSeed", noiseSeed, after.noiseSeed ?? 0),
    ...fewer("evaluation.limit", before.limit, after.limit),
    ...fewer("evaluation.leastCertain", before.leastCertain, after.leastCertain),
    ...inListed("evaluation.perplexity", before.perplexity, texts),
  ];
}

/** Ready-made sets may be followed by more. */
function withSetsAsBefore(before: readonly StudySource[], after: readonly StudySource[]): StudySource[] {
  return after.map((source) => {
    const old = before.find(({ id }) => id === source.id);
    if (old === undefined || !isGiven(old) || !isGiven(source)) return source;
    return { ...source, sets: source.sets.slice(0, old.sets.length) };
  });
}

type Texts = StudySpec["evaluation"]["perplexity"];

function withLimitsAsBefore(before: Texts, after: Texts): Texts {
  return after.map((each) => {
    const old = before.find(({ id }) => id === each.id);
    return old !== undefined && fewer("", old.limit, each.limit).length === 0 ? { ...each, limit: old.limit } : each;
  });
}

/** Of lists by id: what was left out or changed. */
function inListed<Item extends { id: string }>(
  path: string,
  before: readonly Item[],
  after: readonly Item[],
): string[] {
  return before.flatMap((item) => {
    const now = after.find(({ id }) => id === item.id);
    return now === undefined ? [`${path}.${item.id}: left out`] : changes(`${path}.${item.id}`, item, now);
  });
}

function leftOut<Item>(path: string, before: readonly Item[], after: readonly Item[]): string[] {
  return before.filter((item) => !after.includes(item)).map((item) => `${path}: ${item} is left out`);
}

/** null and undefined: all. */
function fewer(path: string, before: number | null | undefined, after: number | null | undefined): string[] {
  return (after ?? Number.POSITIVE_INFINITY) < (before ?? Number.POSITIVE_INFINITY)
    ? [`${path}: ${before ?? "all"} -> ${after}`]
    : [];
}

/** Each place where two values differ. */
function changes(path: string, before: unknown, after: unknown): string[] {
  if (!isObject(before) || !isObject(after)) {
    return text(before) === text(after) ? [] : [`${path}: ${text(before)} -> ${text(after)}`];
  }
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].flatMap((key) => changes(`${path}.${key}`, before[key], after[key]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown): string {
  const sorted = (_: string, item: unknown) =>
    isObject(item) ? Object.fromEntries(Object.entries(item).sort()) : item;
  return JSON.stringify(value, sorted) ?? "none";
}

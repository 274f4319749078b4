import type { StudyResults, Unseen } from "../study/results.js";
import type { Measure } from "./measures.js";
import { headlines } from "./measures.js";
import type { NoiseVerdict } from "./noise-floor.js";
import { countOf, formatFigure, formatLevel, formatSpread, listOf } from "./numbers.js";
import type { MethodStatistics, ModelStatistics, SizeStatistics, StudyStatistics } from "./statistics.js";
import { summarize } from "./variance.js";

export const verdictTexts: Record<NoiseVerdict, string> = {
  above: "clearly above noise",
  unclear: "perhaps above noise",
  within: "within noise",
  dataFree: "uses no data",
  unmeasured: "noise not measured",
};

/** What became of linears that no calibration token reached. */
export const becameTexts: Record<Unseen, string> = {
  dense: "left dense",
  rtn: "rounded to nearest",
  magnitude: "pruned by magnitude",
};

/** What the study found about one model, computed from the figures. */
export interface Finding {
  /** One paragraph in plain words. */
  summary: string;
  /** For each method that uses data: the ranges over all sets, and how they compare with noise. */
  details: { method: string; text: string }[];
}

export function finding(model: ModelStatistics, { measures }: StudyStatistics): Finding {
  const using = model.methods.filter(({ dataFree, sizes }) => !dataFree && sizes.length > 0);
  const [headline] = headlines(measures);
  const sentences =
    headline === undefined || using.length === 0
      ? []
      : [rangeSentence(using, headline), ...verdictSentences(using, headline)];
  return {
    summary: [...sentences, ...controlSentences(model)].join(" "),
    details: using.map((method) => ({ method: method.method, text: detailOf(method, model, headlines(measures)) })),
  };
}

/** For studies of several models: where the choice of data moved most, and least. */
export function overview({ models, measures }: StudyStatistics): string | undefined {
  const [measure] = headlines(measures);
  if (models.length < 2 || measure === undefined) return undefined;
  const ranges = models
    .flatMap(({ model, methods }) =>
      methods
        .filter(({ dataFree }) => !dataFree)
        .map(({ method, sizes }) => ({ name: `${method} on ${model}`, pooled: sizes.at(-1)?.pooled[measure.key] })),
    )
    .flatMap(({ name, pooled }) =>
      pooled?.max == null || pooled.min == null ? [] : [{ name, range: pooled.max - pooled.min }],
    )
    .sort((a, b) => b.range - a.range);
  const [widest, narrowest] = [ranges.at(0), ranges.at(-1)];
  if (widest === undefined || narrowest === undefined) return undefined;
  const across = `Across ${countOf(models.length, "model")}, the choice of calibration data`;
  if (widest.range === 0) return `${across} changed ${nameOf(measure)} nowhere.`;
  const show = ({ name, range }: { name: string; range: number }) =>
    `${name} (${formatSpread(range, measure.kind)}${measure.kind === "perplexity" ? "" : " points"})`;
  return `${across} moved ${nameOf(measure)} most for ${show(widest)} and least for ${show(narrowest)}.`;
}

export function nameOf({ kind, id }: Measure): string {
  return {
    tasksMean: id,
    task: `accuracy on ${id}`,
    perplexity: `perplexity on ${id}`,
    perturbed: `accuracy on ${id}`,
    lost: `accuracy lost on ${id}`,
    lostMean: `accuracy lost under ${id}`,
  }[kind];
}

/** "Over 6 sets from 3 sources, mean accuracy ranged over 3.1 points with gptq (...) and over 8.1 points with wanda." */
function rangeSentence(methods: readonly MethodStatistics[], { key, kind, ...measure }: Measure): string {
  const unit = kind === "perplexity" ? "" : " points";
  const ranges = methods.map(({ method, sizes, noise }) => {
    const { min, max, mean, standardDeviation } = sizes.at(-1)?.pooled[key] ?? summarize([]);
    if (min === null || max === null) return `an unknown range with ${method}, which gave no finite figure`;
    const deviation = formatSpread(standardDeviation, kind, mean);
    const replicates = noise[key].noise;
    const floor =
      replicates.standardDeviation === null
        ? ""
        : `, numerical noise ${formatSpread(replicates.standardDeviation, kind, replicates.mean)}`;
    return `${formatSpread(max - min, kind, mean)}${unit} with ${method} (standard deviation ${deviation}${floor})`;
  });
  const sizes = methods.flatMap((method) => method.sizes.at(-1) ?? []);
  const setsOf = ({ sources }: SizeStatistics) =>
    sources.reduce(
      (sum, { measures }) => sum + Math.max(0, ...Object.values(measures).map((s) => s.count + s.excluded)),
      0,
    );
  const sets = countOf(Math.max(...sizes.map(setsOf)), "calibration set");
  const sources = countOf(Math.max(...sizes.map(({ sources }) => sources.length)), "source");
  const name = nameOf({ key, kind, ...measure });
  return `Over ${sets} of ${countOf(sizes[0].size, "sequence")} from ${sources}, with all else equal, ${name} ranged over ${listOf(ranges)}.`;
}

function verdictSentences(methods: readonly MethodStatistics[], { key }: Measure): string[] {
  const sentences: Record<NoiseVerdict, (names: string) => string> = {
    above: (names) => `The choice of calibration data clearly matters for ${names}.`,
    unclear: (names) =>
      `For ${names} the sets differ by more than noise does, but there are too few noise replicates or sets to be sure that the data is the cause.`,
    within: (names) => `For ${names} the spread can't be told apart from numerical noise.`,
    unmeasured: (names) => `For ${names} numerical noise was not measured, so the spread may be nothing but noise.`,
    dataFree: () => "",
  };
  return (["above", "unclear", "within", "unmeasured"] as const).flatMap((verdict) => {
    const names = methods.filter(({ noise }) => noise[key].verdict === verdict).map(({ method }) => method);
    return names.length === 0 ? [] : [sentences[verdict](listOf(names))];
  });
}

function detailOf({ sizes, noise }: MethodStatistics, model: ModelStatistics, measures: readonly Measure[]): string {
  const ranges = measures.flatMap((measure) => {
    const { min, max } = sizes.at(-1)?.pooled[measure.key] ?? summarize([]);
    if (min === null || max === null) return [];
    const unit = measure.kind === "perplexity" ? "" : " %";
    const dense = model.dense?.[measure.key];
    const reference = dense === undefined ? "" : ` (dense ${formatFigure(dense, measure.kind)})`;
    const range = `${formatLevel(min, measure.kind)} to ${formatLevel(max, measure.kind)}${unit}`;
    const { verdict } = noise[measure.key];
    return [`${nameOf(measure)} ${range}${reference}${verdict === "unmeasured" ? "" : `, ${verdictTexts[verdict]}`}`];
  });
  return ranges.length === 0 ? "no cell gave a finite figure" : ranges.join("; ");
}

function controlSentences({ methods }: ModelStatistics): string[] {
  const controls = methods.filter(({ nullControl }) => nullControl !== null);
  const named = (verdict: string) =>
    controls.filter(({ nullControl }) => nullControl?.verdict === verdict).map(({ method }) => method);
  const [passed, failed] = [named("pass"), named("fail")];
  return [
    ...(passed.length > 0
      ? [`${listOf(passed)}, which ${lookAt(passed)} no data, gave exactly the same figures for every set.`]
      : []),
    ...(failed.length > 0
      ? [
          `Warning: ${listOf(failed)} ${lookAt(failed)} no data, yet figures differ between sets. Something besides the data varies, so the other spreads can't be trusted either.`,
        ]
      : []),
  ];
}

function lookAt(methods: readonly string[]): string {
  return methods.length === 1 ? "looks at" : "look at";
}

/** What a report on an unfinished or empty study says in place of findings. */
export function incompleteness({ cells, failed, skipped, cancelled, pending = [] }: StudyResults): string | undefined {
  if (cells.length === 0) return "No cell has finished: there is nothing to report yet.";
  const all = countOf(cells.length + failed.length + skipped.length + pending.length, "cell");
  const missing = [
    ...(pending.length > 0 ? [`${cells.length} of ${all} so far`] : []),
    ...(failed.length > 0 ? [`${failed.length} of ${all} failed`] : []),
    ...(skipped.length > 0 ? [`${skipped.length} of ${all} skipped`] : []),
    ...(cancelled.length > 0 ? [`${listOf(cancelled)} cancelled`] : []),
  ];
  return missing.length === 0
    ? undefined
    : `${missing.join(", ")}; all figures leave ${pending.length > 0 ? "out what is missing" : "these cells out"}.`;
}

/** Whether there are linears that the calibration data says nothing about; the page names them. */
export function unseenNote({ cells }: StudyResults): string | undefined {
  const concerned = cells.flatMap(({ unseen = [] }) => (unseen.length === 0 ? [] : [unseen]));
  if (concerned.length === 0) return undefined;
  const became = [...new Set(concerned.flat().map((layer) => becameTexts[layer.became]))];
  const linears = countOf(concerned.flat().length, "linear");
  return `No calibration token reached ${linears} of ${countOf(concerned.length, "cell")}: ${listOf(became)}.`;
}

import { toNumber } from "../study/figures.js";
import type { Figure } from "../study/results.js";
import type { Measure } from "./measures.js";
import type { Summary } from "./variance.js";

type Kind = Measure["kind"];

export const MISSING = "–";

/** Accuracies in percent with two decimals, perplexities with about four digits; no unit. */
export function formatLevel(value: number | null | undefined, kind: Kind): string {
  if (value === null || value === undefined) return MISSING;
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  if (kind !== "perplexity") return (100 * value).toFixed(2);
  const size = Math.abs(value);
  if (size >= 1e6) return value.toExponential(2);
  return value.toFixed(size < 100 ? 2 : size < 1000 ? 1 : 0);
}

/**
 * Standard deviations and ranges: the decimals of `level` (the figure beside it), but never a rounded zero, so that "0" always
 * means exactly 0.
 */
export function formatSpread(
  spread: number | null | undefined,
  kind: Kind,
  level: number | null = spread ?? null,
): string {
  if (spread === null || spread === undefined) return MISSING;
  if (spread === 0) return "0";
  const scaled = kind === "perplexity" ? spread : 100 * spread;
  const levelText = formatLevel(level, kind);
  if (levelText.includes("e")) return scaled.toExponential(1);
  const decimals = levelText.split(".")[1]?.length ?? 0;
  const text = scaled.toFixed(decimals);
  return Number(text) === 0 ? scaled.toPrecision(1) : text;
}

/** With its sign; a gain or a difference. */
export function formatChange(change: number | null, kind: Kind): string {
  if (change === null || change === 0) return formatSpread(change, kind);
  return `${change < 0 ? "−" : "+"}${formatSpread(Math.abs(change), kind)}`;
}

/** `41.33 ± 0.58`; the mean alone where one set has no spread. */
export function formatSummary(summary: Summary | undefined, kind: Kind): string {
  if (summary === undefined || summary.mean === null) return summary?.excluded ? "not finite" : MISSING;
  const level = formatLevel(summary.mean, kind);
  if (summary.standardDeviation === null) return level;
  return `${level} ± ${formatSpread(summary.standardDeviation, kind, summary.mean)}`;
}

export function formatFigure(figure: Figure | undefined, kind: Kind): string {
  return formatLevel(toNumber(figure), kind);
}

/** `1 set`, `2 sets`. */
export function countOf(count: number, noun: string): string {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

/** `a, b and c`. */
export function listOf(words: readonly string[]): string {
  return new Intl.ListFormat("en-GB", { type: "conjunction" }).format(words);
}

export function formatPValue(p: number | null): string {
  if (p === null) return MISSING;
  return p < 0.001 ? "< 0.001" : p.toFixed(p < 0.1 ? 3 : 2);
}

export function formatPercent(share: number | null): string {
  return share === null ? MISSING : `${(100 * share).toFixed(0)} %`;
}

export function formatSeconds(seconds: number): string {
  if (seconds < 120) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  return seconds < 7200 ? `${(seconds / 60).toFixed(0)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

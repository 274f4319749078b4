import type { Figure } from "./results.js";

/** JavaScript's number for a figure, non-finite ones included. */
export function toNumber(figure: Figure | undefined): number | undefined {
  if (figure === undefined || figure.value !== null) return figure?.value ?? undefined;
  return { nan: Number.NaN, inf: Number.POSITIVE_INFINITY, "-inf": Number.NEGATIVE_INFINITY }[figure.nonFinite];
}

/** The JSON form of a number, the inverse of `toNumber`. */
export function toFigure(value: number): Figure {
  if (Number.isFinite(value)) return { value };
  if (Number.isNaN(value)) return { value: null, nonFinite: "nan" };
  return { value: null, nonFinite: value > 0 ? "inf" : "-inf" };
}

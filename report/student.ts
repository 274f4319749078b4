import { tQuantile } from "../statistics/distributions.js";
import type { Summary } from "./variance.js";

const LEVEL = 0.95;

/** Half of the 95 % interval of a mean, by Student's t; null: fewer than two values. */
export function halfWidth({ count, standardDeviation }: Summary): number | null {
  if (standardDeviation === null || count < 2) return null;
  return (tQuantile(1 - LEVEL, count - 1) * standardDeviation) / Math.sqrt(count);
}

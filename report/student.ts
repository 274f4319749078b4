import { bisect } from "simple-statistics";
import { type Summary, varianceRatioTail } from "./variance.js";

const LEVEL = 0.95;
/** Beyond the quantile of one degree of freedom, 12.7. */
const FAR = 20;

/** Half of the 95 % interval of a mean, by Student's t; null: fewer than two values. */
export function halfWidth({ count, standardDeviation }: Summary): number | null {
  if (standardDeviation === null || count < 2) return null;
  return (studentQuantile(count - 1) * standardDeviation) / Math.sqrt(count);
}

/** t with P(|T| <= t) = 0.95: T squared has an F distribution. Small libraries of statistics have no quantile of it. */
function studentQuantile(freedom: number): number {
  return bisect((t) => varianceRatioTail(t * t, 1, freedom) - (1 - LEVEL), 0, FAR, 100, 1e-10);
}

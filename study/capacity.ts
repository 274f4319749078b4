import type { Place, StudyForecast } from "./forecast.js";
import type { StudySpec } from "./spec.js";

/** What a machine has for a study. */
export interface Capacity extends Place {
  /** Bytes of memory that its compute processes have together. */
  memory: number;
  /** Bytes free in the home, for hidden states that memory doesn't hold. */
  scratch?: number;
  /** Bytes free where the store is on this machine. */
  disk?: number;
}

/** Why a study does not fit, and which setting would change that; none: it does. */
export function refusals(
  spec: StudySpec,
  { memory, scratch, kept }: StudyForecast,
  { slots, ...has }: Capacity,
): string[] {
  const largest = Math.max(...spec.calibration.sizes);
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  const found: string[] = [];
  if (memory * slots > has.memory) {
    const fewer = Math.floor(has.memory / memory);
    const change =
      fewer >= 1
        ? `Give the worker --slots ${fewer}.`
        : `Set calibration.sizes below ${largest}, calibration.length below ${spec.calibration.length}, or take a machine with more memory.`;
    found.push(
      `${slots} compute ${slots === 1 ? "process" : "processes"} of ${gigabytes(memory)} don't fit into ${gigabytes(has.memory)} of memory. ${change}`,
    );
  }
  if (has.scratch !== undefined && scratch * slots > has.scratch) {
    found.push(
      `Hidden states of ${gigabytes(scratch * slots)} rest on the disk of the home, which has ${gigabytes(has.scratch)} free. Name another disk in TOUCHSTONE_HOME, or set calibration.sizes below ${largest}.`,
    );
  }
  if (has.disk !== undefined && kept > has.disk) {
    found.push(
      `The store would keep ${gigabytes(kept)}, and its disk has ${gigabytes(has.disk)} free. Set calibration.sets or methods lower, checkpoints.activations to none, or name a bucket with more room in checkpoints.bucket.`,
    );
  }
  return found;
}

/** Prices, in any one currency. */
export interface Prices {
  /** Of a machine. */
  perHour?: number;
  /** Of 1e9 bytes that lie in the store for a month; of 1e9 bytes read from it or written to it. */
  perGbMonth?: number;
  perGbMoved?: number;
}

/** null where no price is given. */
export function moneyOf({ seconds, kept, traffic }: StudyForecast, prices: Prices): number | null {
  const { perHour = 0, perGbMonth = 0, perGbMoved = 0 } = prices;
  if (Object.values(prices).every((price) => price === undefined)) return null;
  return (seconds / 3600) * perHour + (kept / 1e9) * perGbMonth + ((traffic.read + traffic.written) / 1e9) * perGbMoved;
}

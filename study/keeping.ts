/** What keeping hidden states costs, and what it saves. */
export interface KeepingCosts {
  /** Seconds to write a block's inputs to the store. */
  write: number;
  /** Seconds to pass them forward through a compressed block. */
  forward: number;
  /** Seconds to compress a block. */
  block: number;
  /** Seconds of computing between two losses of what a process holds. */
  betweenLosses: number;
}

/**
 * Blocks from one kept boundary to the next that cost the least on average, 1 or more; Infinity where passing forward costs nothing. A
 * boundary every n blocks costs `write / n` a block; a loss comes once in `betweenLosses / block` blocks and costs n / 2 passes
 * forward. The sum is least at n = sqrt(2 (write / forward) (betweenLosses / block)), which is Young's interval (1974, and
 * Daly's of 2006 in the first order) but for one thing: compressed blocks are never lost, so a loss costs passes forward, not blocks.
 */
export function keepingInterval({ write, forward, block, betweenLosses }: KeepingCosts): number {
  return Math.max(1, Math.round(Math.sqrt((2 * write * betweenLosses) / (forward * block))));
}

/** How much a process has computed, and how often what it held was lost: it, or its memory, was gone when the next block began. */
export interface LossRecord {
  seconds: number;
  losses: number;
}

/** As if one loss a day had been seen for one day: counts while little is known. */
const PRIOR: LossRecord = { seconds: 86_400, losses: 1 };

/** Mean seconds of computing between losses. */
export function secondsBetweenLosses({ seconds, losses }: LossRecord): number {
  return (PRIOR.seconds + seconds) / (PRIOR.losses + losses);
}

/** What is taken for the store's rate (bytes a second) until something was written. */
export const PRIOR_WRITE_RATE = 100e6;

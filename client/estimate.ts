import type { CellProgress, StudyProgress, SweepProgress } from "../study/progress.js";

type Counted = Pick<StudyProgress, "total" | "done" | "failed" | "skipped" | "notNeeded" | "paused">;

/**
 * Seconds until all cells are done, at the rate of the sweeps that run, and not before those that run have compressed their
 * blocks; null while nothing was measured, and in a pause.
 */
export function secondsLeft(
  { total, done, failed, skipped, notNeeded = 0, paused }: Counted,
  sweeps: readonly SweepProgress[],
  cells: readonly CellProgress[],
  now = Date.now(),
): number | null {
  const begun = cells.reduce((sum, cell) => sum + shareDone(cell), 0);
  const cellsASecond = sweeps.reduce(
    (sum, { measured }) => sum + (1000 * (measured.cells + begun)) / (now - measured.since),
    0,
  );
  if (paused || !(cellsASecond > 0) || !Number.isFinite(cellsASecond)) return null;
  const left = Math.max(0, total - done - failed - skipped - notNeeded - begun) / cellsASecond;
  return Math.max(left, ...cells.map(blocksLeft));
}

/** Seconds that a cell will take for its other blocks at the latest one's rate. */
function blocksLeft({ block, blocks, blockSeconds }: CellProgress): number {
  return (blocks - block) * (blockSeconds ?? 0);
}

/** Evaluating takes about as long as compressing. */
function shareDone({ block, blocks, evaluated, evaluations }: CellProgress): number {
  const evaluating = evaluations === 0 ? 1 : evaluated / evaluations;
  return blocks === 0 ? evaluating : (block / blocks + evaluating) / 2;
}

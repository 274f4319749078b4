import type { CellProgress, StudyProgress, SweepProgress } from "../study/progress.js";

/** Seconds until all cells are done, at the rate of the sweeps that run; null while nothing was measured. */
export function secondsLeft(
  { total, done, failed }: StudyProgress,
  sweeps: readonly SweepProgress[],
  cells: readonly CellProgress[],
): number | null {
  const begun = cells.reduce((sum, cell) => sum + shareDone(cell), 0);
  const cellsASecond = sweeps.reduce((sum, { measured }) => sum + (measured.cells + begun) / measured.seconds, 0);
  if (!(cellsASecond > 0) || !Number.isFinite(cellsASecond)) return null;
  return Math.max(0, total - done - failed - begun) / cellsASecond;
}

/** Evaluating takes about as long as compressing. */
function shareDone({ block, blocks, evaluated, evaluations }: CellProgress): number {
  const evaluating = evaluations === 0 ? 1 : evaluated / evaluations;
  return blocks === 0 ? evaluating : (block / blocks + evaluating) / 2;
}

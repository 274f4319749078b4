import { type Checkpoints, type Manifest, manifestKey } from "../storage/checkpoints.js";
import { TouchstoneError } from "../study/errors.js";
import { evaluationsOf, type StudyPlan } from "../study/plan.js";
import type { CellCoordinates, CellResult } from "../study/results.js";
import type { BlockFacts } from "./block-facts.js";
import { drawnCalibration } from "./calibration-of.js";
import { removeRecord } from "./cell-records.js";
import { type CellRef, cellTask } from "./cell-task.js";
import { findBlock } from "./compressed-weights.js";
import { cellDerivation, evaluationDerivation } from "./derivations.js";
import type { EvaluationFacts } from "./evaluate.js";
import { layerErrorsOf } from "./layer-errors.js";
import type { StepContext } from "./step.js";

/** Puts together what a cell's steps have stored; the cell is done when this is in the store. */
export async function finishCell(ref: CellRef, context: StepContext): Promise<CellResult> {
  const { study, cell } = ref;
  const plan = await context.state.plan(study);
  const checkpoints = context.state.checkpoints(study);
  const task = await cellTask(ref, context);
  const digest = task?.calibration.facts.digest ?? null;
  const blocks: Manifest<BlockFacts>[] = [];
  for (let block = 0; task !== undefined && block < plan.models[cell.model].blocks; block++) {
    blocks.push(await findBlock(task, block));
  }
  const evaluations = await readEvaluations(plan, checkpoints, cell, digest);
  const facts = blocks.map((block) => block.facts);
  const result = summarize(cell, digest, facts, evaluations);
  // Not among what is handed back: histories are to hold little.
  const stored = { ...result, ...layerErrorsOf(facts) };
  await checkpoints.commit("cell", cellDerivation(plan, cell, digest, evaluationsOf(plan.spec)), {}, stored);
  for (const kind of ["failures", "skipped"] as const) {
    await removeRecord(context.state.store(study), kind, study.name, cell);
  }
  return result;
}

/**
 * The results of those cells that are done, in their order, each with its key in the store. What cells of one calibration set have
 * in common is read once.
 */
export function findCells(
  plan: StudyPlan,
  checkpoints: Checkpoints,
  cells: readonly CellCoordinates[],
): Promise<((CellResult & { stored: string }) | undefined)[]> {
  const digests = new Map<string, Promise<string | null | undefined>>();
  const digestOf = (cell: CellCoordinates) => {
    const set = `${cell.source} ${cell.size} ${cell.set}`;
    const known = digests.get(set) ?? drawnDigest(plan, checkpoints, cell);
    digests.set(set, known);
    return known;
  };
  return Promise.all(
    cells.map(async (cell) => {
      const digest = await digestOf(cell);
      if (digest === undefined) return undefined;
      const derivation = cellDerivation(plan, cell, digest, evaluationsOf(plan.spec));
      const manifest = await checkpoints.find<CellResult>("cell", derivation);
      return manifest && { ...manifest.facts, stored: manifestKey("cell", manifest.key) };
    }),
  );
}

/** Of a cell's calibration set: null where the cell needs none, undefined where it isn't drawn. */
async function drawnDigest(
  plan: StudyPlan,
  checkpoints: Checkpoints,
  cell: CellCoordinates,
): Promise<string | null | undefined> {
  if (cell.source === null) return null;
  return (await drawnCalibration(plan, checkpoints, cell))?.facts.digest;
}

async function readEvaluations(
  plan: StudyPlan,
  checkpoints: Checkpoints,
  cell: CellCoordinates,
  digest: string | null,
) {
  const read = async (evaluation: ReturnType<typeof evaluationsOf>[number]) => {
    const derivation = evaluationDerivation(plan, cell, digest, evaluation);
    const manifest = await checkpoints.find<EvaluationFacts>("evaluation", derivation);
    if (manifest !== undefined) return manifest.facts;
    throw new TouchstoneError("CheckpointCorrupt", {
      what: `The evaluation ${evaluation.id} is gone from the store`,
      where: cell.model,
      todo: "Retry the cell: it is evaluated again.",
    });
  };
  return Promise.all(evaluationsOf(plan.spec).map(read));
}

function summarize(
  cell: CellCoordinates,
  calibrationDigest: string | null,
  blocks: readonly BlockFacts[],
  evaluations: readonly EvaluationFacts[],
): CellResult {
  const sum = (of: (facts: BlockFacts) => number) => blocks.reduce((total, facts) => total + of(facts), 0);
  const weights = sum((facts) => facts.weights);
  const share = (amount: number) => (blocks.length === 0 ? null : amount / weights);
  const seconds = ({ seconds: { read, capture, solve, forward } }: BlockFacts) => read + capture + solve + forward;
  return {
    ...cell,
    evaluations: evaluations.map(({ evaluation }) => evaluation),
    bitsPerWeight: share(sum(({ bits }) => bits)),
    sparsity: share(sum(({ zeros }) => zeros)),
    error: blocks.length === 0 || blocks.some(({ error }) => error === null) ? null : sum(({ error }) => error ?? 0),
    calibrationDigest,
    ...unseenOf(blocks),
    seconds: { compress: sum(seconds), evaluate: evaluations.reduce((total, e) => total + e.seconds, 0) },
  };
}

function unseenOf(blocks: readonly BlockFacts[]): Pick<CellResult, "unseen"> {
  const unseen = blocks.flatMap(({ layers }, block) =>
    layers.flatMap(({ name, unseen: became }) => (became === undefined ? [] : [{ block, name, became }])),
  );
  return unseen.length === 0 ? {} : { unseen };
}

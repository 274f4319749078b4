import { measure } from "../storage/measure.js";
import type { MethodSettings } from "../study/methods.js";
import { disposeShelved } from "../tensor/shelf.js";
import type { BlockFacts } from "./block-facts.js";
import { lastBoundary, passBoundary, removeBoundaries, storeActivations } from "./block-inputs.js";
import { type CellRef, type CellTask, cellTask } from "./cell-task.js";
import { commitSolution } from "./commit-solution.js";
import { blockDerivation, usesActivations } from "./derivations.js";
import type { KeepingChoice } from "./keeping.js";
import type { Solution } from "./solution.js";
import { isBlockStored, obtainSolution, solveAhead } from "./solve-ahead.js";
import type { StepContext } from "./step.js";

export interface BlockResult {
  /** It was in the store already. */
  reused: boolean;
  error: number | null;
  /** How often the hidden states between blocks are kept, and why. */
  hiddenStates?: string;
}

/**
 * Compresses one block and stores its layers, unless that was done before.
 * @throws TouchstoneError NumericalError, InvalidSettings, InvalidModel; CheckpointCorrupt and storage errors (retryable)
 */
export async function compressBlock(
  { block, ...ref }: CellRef & { block: number },
  context: StepContext,
): Promise<BlockResult> {
  const task = await cellTask(ref, context);
  const settings = ref.cell.method;
  if (task === undefined || settings === null) throw new RangeError("the dense model has no block to compress");
  const derivation = blockDerivation(task.plan, task.cell, task.calibration.facts.digest, block);
  const found = await task.checkpoints.find<BlockFacts>("block", derivation);
  if (found !== undefined) return { reused: true, error: found.facts.error };

  // Asked now, so that nobody waits for the answer when this block is solved.
  const isLast = block + 1 === task.plan.models[task.cell.model].blocks;
  const nextIsStored = isLast ? Promise.resolve(true) : isBlockStored(task, block + 1);
  const solution = await obtainSolution(task, settings, block, context);
  const { outputs } = solution.solved;
  solution.inputs.dispose();
  try {
    const storing = store(task, settings, block, { ...solution, isLast, derivation }, context);
    const next = { inputs: outputs, storing, isStored: nextIsStored };
    if (!isLast) solveAhead(task, settings, block + 1, next, context);
    const { seconds, ...stored } = await storing;
    measureBlock(task.cell.methodLabel, { read: solution.read, ...solution.solved.seconds, write: seconds });
    return { reused: false, ...stored };
  } finally {
    disposeShelved(outputs);
  }
}

function measureBlock(method: string, seconds: Readonly<Record<string, number>>): void {
  measure("touchstone_blocks", 1, { method });
  for (const [phase, value] of Object.entries(seconds)) measure("touchstone_phase_seconds", value, { phase, method });
}

/**
 * The layers, and where a boundary is kept the block's outputs; the manifest of the block makes it done. The solution's weights
 * go to the store's thread: it has them no more.
 * @returns what the block's activity says of it, and how long it all took
 */
async function store(
  task: CellTask,
  settings: MethodSettings,
  block: number,
  { isLast, derivation, ...solution }: Solution & { isLast: boolean; derivation: unknown },
  context: StepContext,
): Promise<Omit<BlockResult, "reused"> & { seconds: number }> {
  context.signal.throwIfAborted();
  const started = performance.now();
  const hasStates = usesActivations(task.cell);
  const choice = hasStates && !isLast ? chooseKeeping(task, solution, context) : undefined;
  const keep = choice !== undefined && block + 1 - lastBoundary(task, context.state) >= choice.blocks;
  const [{ key, error, weights }] = await Promise.all([
    commitSolution(task, settings, solution, derivation),
    keep ? storeActivations(task, block + 1, solution.solved.outputs, context.state) : undefined,
  ]);
  // Later steps of this process need not read back what was just written.
  if (weights !== undefined) context.state.blocks.set(key, weights);
  if (keep) await passBoundary(task, block + 1, context);
  if (hasStates && isLast) await removeBoundaries(task);
  const chosen = choice?.why === undefined ? {} : { hiddenStates: describeChoice(choice) };
  return { error, ...chosen, seconds: (performance.now() - started) / 1000 };
}

function chooseKeeping(task: CellTask, { solved }: Solution, { state }: StepContext): KeepingChoice {
  const bytes = solved.outputs.reduce((total, chunk) => total + chunk.bytes, 0);
  const measured = { bytes, seconds: solved.seconds };
  state.keeping.computed(measured);
  return state.keeping.choose(task.plan.spec, measured);
}

function describeChoice({ blocks, why }: KeepingChoice): string {
  return `${Number.isFinite(blocks) ? `kept every ${blocks} block${blocks === 1 ? "" : "s"}` : "not kept"}: ${why}`;
}

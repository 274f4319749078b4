import { identity } from "../storage/identity.js";
import type { StudyPlan } from "../study/plan.js";
import type { CellCoordinates } from "../study/results.js";

/** What determines a calibration set: everything `methods.md` (Calibration sampling) lets it depend on. */
export function calibrationDerivation(plan: StudyPlan, model: string, source: string, size: number, set: number) {
  const { sizes, length, seed, pack, bos, reuse } = plan.spec.calibration;
  const { path: _path, ...description } = sourceOf(plan, source);
  return {
    step: "calibration",
    tokenizer: plan.models[model].tokenizer,
    source: description,
    files: plan.sources[source].files,
    largestSize: Math.max(...sizes),
    settings: { length, seed, pack, bos, reuse },
    size,
    set,
  };
}

export function embeddingDerivation(plan: StudyPlan, model: string, calibrationDigest: string) {
  return {
    step: "embedding",
    environment: plan.environment,
    model: plan.models[model].digest,
    calibration: calibrationDigest,
  };
}

/**
 * What determines a compressed block. All earlier blocks follow from the same things, so they need not be named. The set
 * counts by its content: the same set under another index is the same block.
 */
export function blockDerivation(plan: StudyPlan, cell: CellCoordinates, calibrationDigest: string, block: number) {
  return {
    step: "block",
    environment: plan.environment,
    model: plan.models[cell.model].digest,
    settings: cell.method,
    calibration: calibrationDigest,
    jitter: cell.noise,
    block,
  };
}

/** What determines the weights that a cell's model computes with. */
export function modelDerivation(plan: StudyPlan, cell: CellCoordinates, calibrationDigest: string | null) {
  if (calibrationDigest === null)
    return { step: "dense", environment: plan.environment, model: plan.models[cell.model].digest };
  return blockDerivation(plan, cell, calibrationDigest, plan.models[cell.model].blocks - 1);
}

export function evaluationDerivation(
  plan: StudyPlan,
  cell: CellCoordinates,
  calibrationDigest: string | null,
  evaluation: { kind: "task" | "perplexity"; id: string },
) {
  const common = {
    step: evaluation.kind,
    model: identity(modelDerivation(plan, cell, calibrationDigest)),
    tokenizer: plan.models[cell.model].tokenizer,
  };
  if (evaluation.kind === "task") {
    const { limit, addBos } = plan.spec.evaluation;
    const { version, records } = plan.tasks[evaluation.id];
    return { ...common, task: evaluation.id, version, records, limit, addBos };
  }
  const { length, limit } = perplexityOf(plan, evaluation.id);
  return { ...common, text: plan.perplexity[evaluation.id], length, limit };
}

/** A cell is its place in the study's table and everything that was measured there. */
export function cellDerivation(
  plan: StudyPlan,
  cell: CellCoordinates,
  evaluations: readonly unknown[],
  calibration: unknown,
) {
  return {
    step: "cell",
    cell,
    model: plan.models[cell.model].digest,
    environment: plan.environment,
    calibration,
    evaluations,
  };
}

export function modelOf(plan: StudyPlan, id: string) {
  return byId(plan.spec.models, id);
}

export function sourceOf(plan: StudyPlan, id: string) {
  return byId(plan.spec.sources, id);
}

export function perplexityOf(plan: StudyPlan, id: string) {
  return byId(plan.spec.evaluation.perplexity, id);
}

function byId<T extends { id: string }>(items: readonly T[], id: string): T {
  const found = items.find((item) => item.id === id);
  if (found === undefined) throw new RangeError(`the plan has no ${id}`);
  return found;
}

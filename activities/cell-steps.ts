import type { CheckpointKind } from "../storage/checkpoints.js";
import { identity } from "../storage/identity.js";
import { type EvaluationName, evaluationsOf, type StudyPlan } from "../study/plan.js";
import type { CellCoordinates } from "../study/results.js";
import {
  activationsDerivation,
  blockDerivation,
  calibrationDerivation,
  cellDerivation,
  evaluationDerivation,
  usesActivations,
} from "./derivations.js";

/** A step of a cell that leaves something in the store for good, or for long. */
export interface CellStep {
  /** In words: `block 3`, `evaluation piqa`. */
  place: string;
  kind: CheckpointKind;
  derivation: unknown;
  /** Identity of the derivation. */
  key: string;
  block?: number;
  evaluation?: EvaluationName;
}

/** The first step of a cell, which says which calibration set the others begin with; undefined for the dense model. */
export function calibrationStep(plan: StudyPlan, { model, source, size, set }: CellCoordinates): CellStep | undefined {
  if (source === null || size === null || set === null) return undefined;
  const place = `calibration set ${set} of ${source}, ${size} sequences`;
  return step(place, "calibration", calibrationDerivation(plan, model, source, size, set));
}

/** The steps after the calibration set, in their order. @param digest of the set's tokens; null for the dense model */
export function computedSteps(plan: StudyPlan, cell: CellCoordinates, digest: string | null): CellStep[] {
  const blocks = digest === null ? 0 : plan.models[cell.model].blocks;
  return [
    ...(digest !== null && usesActivations(cell)
      ? [step("embedding", "activations", activationsDerivation(plan, cell, digest, 0))]
      : []),
    ...Array.from({ length: blocks }, (_, block) => ({
      ...step(`block ${block}`, "block", blockDerivation(plan, cell, digest ?? "", block)),
      block,
    })),
    ...evaluationsOf(plan.spec).map((evaluation) => ({
      ...step(`evaluation ${evaluation.id}`, "evaluation", evaluationDerivation(plan, cell, digest, evaluation)),
      evaluation,
    })),
    step("result", "cell", cellDerivation(plan, cell, digest, evaluationsOf(plan.spec))),
  ];
}

function step(place: string, kind: CheckpointKind, derivation: unknown): CellStep {
  return { place, kind, derivation, key: identity(derivation) };
}

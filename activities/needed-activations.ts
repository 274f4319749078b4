import { identity } from "../storage/identity.js";
import { expandCells } from "../study/cells.js";
import { cellName } from "../study/names.js";
import { evaluationsOf, type StudyPlan } from "../study/plan.js";
import { activationsDerivation, calibrationDerivation, cellDerivation, usesActivations } from "./derivations.js";

/** What of a study's steps is in the store. */
export interface StoredSteps {
  /** Digests of calibration sets, by the keys of their manifests. */
  sets: ReadonlyMap<string, string>;
  /** Whether a cell's result is there, by its key. */
  hasCell(key: string): boolean;
  /** Names of the cells that failed. */
  failed: ReadonlySet<string>;
}

/** Whose the hidden states of a derivation are: a cell's, before any block but the first, or an embedding that cells share. */
export function ownerOfActivations(derivation: unknown): string {
  const { block: _, ...rest } = derivation as { block?: number };
  return identity(rest);
}

/**
 * Owners of the hidden states that a study's cells may go on from: of those that are neither done nor failed. A cell whose set isn't
 * drawn has none yet, and a failed one that is tried again passes forward from its embedding.
 */
export function neededActivations(plan: StudyPlan, { sets, hasCell, failed }: StoredSteps): string[] {
  const evaluations = evaluationsOf(plan.spec);
  return plan.spec.models
    .flatMap(({ id }) => expandCells(plan.spec, id))
    .flatMap((cell) => {
      const { model, source, size, set } = cell;
      if (!usesActivations(cell) || source === null || size === null || set === null) return [];
      const digest = sets.get(identity(calibrationDerivation(plan, model, source, size, set)));
      if (digest === undefined || failed.has(cellName(cell))) return [];
      if (hasCell(identity(cellDerivation(plan, cell, digest, evaluations)))) return [];
      return [0, 1].map((block) => ownerOfActivations(activationsDerivation(plan, cell, digest, block)));
    });
}

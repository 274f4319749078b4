import { cellName } from "../study/names.js";
import type { EvaluationName, StudyRef } from "../study/plan.js";
import type { CellCoordinates } from "../study/results.js";

/** What a step is about, as logs and traces name it. */
export interface StepPlace {
  study?: string;
  cell?: string;
  block?: number;
  evaluation?: string;
}

/** What inputs of steps may have; that of `planStudy` is a specification, with the study's name. */
interface StepInput {
  name?: string;
  study?: StudyRef;
  cell?: CellCoordinates;
  block?: number;
  evaluation?: EvaluationName;
}

export function stepPlace(input: unknown): StepPlace {
  const { name, study, cell, block, evaluation } = (input ?? {}) as StepInput;
  const place = {
    study: study?.name ?? name,
    cell: cell === undefined || study === undefined ? undefined : cellName(cell),
    block,
    evaluation: evaluation?.id,
  };
  return Object.fromEntries(Object.entries(place).filter(([, value]) => value !== undefined));
}

import { completeSpec } from "../activities/plan-study.js";
import { requireOwnName } from "../activities/study-name.js";
import { openStore } from "../storage/store.js";
import { expandCells } from "../study/cells.js";
import { cellName } from "../study/names.js";
import { evaluationsOf } from "../study/plan.js";
import { parseStudySpec, type StudySpec } from "../study/spec.js";
import { useStore } from "./services.js";

/** What a start would add to what was computed under the name: by the specifications alone, not by what is in the store. */
export interface Preview {
  name: string;
  /** null: nothing was computed under the name yet. */
  extends: { cells: number } | null;
  cells: number;
  newCells: number;
  /** Of every cell. */
  newEvaluations: string[];
}

/** @throws TouchstoneError as `parseStudySpec`; StudyNameTaken; UnknownTask; ServiceUnavailable and errors of the store */
export async function previewOf(input: unknown): Promise<Preview> {
  const store = openStore(await useStore(parseStudySpec(input).checkpoints));
  const spec = await completeSpec(input);
  const owner = await requireOwnName(store, spec);
  const known = new Set(owner === undefined ? [] : namesOf(owner));
  const evaluated = new Set(owner === undefined ? [] : evaluationsOf(owner).map(({ id }) => id));
  const names = namesOf(spec);
  const ids = evaluationsOf(spec).map(({ id }) => id);
  return {
    name: spec.name,
    extends: owner === undefined ? null : { cells: known.size },
    cells: names.length,
    newCells: names.filter((name) => !known.has(name)).length,
    newEvaluations: ids.filter((id) => !evaluated.has(id)),
  };
}

function namesOf(spec: StudySpec): string[] {
  return spec.models.flatMap(({ id }) => expandCells(spec, id)).map(cellName);
}

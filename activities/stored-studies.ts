import { openInventory } from "../storage/inventory.js";
import type { StoreLocation } from "../storage/store.js";
import { expandCells } from "../study/cells.js";
import { TouchstoneError } from "../study/errors.js";
import { cellName } from "../study/names.js";
import { nearest } from "../study/parse.js";
import type { StudyPlan, StudyRef } from "../study/plan.js";
import type { CellCoordinates } from "../study/results.js";
import { plansPrefix } from "./process-state.js";

/** The plans that a study was made with, the latest first. @throws TouchstoneError UnknownStudy */
export async function studyPlans(name: string, location: StoreLocation): Promise<StudyRef[]> {
  const prefix = plansPrefix(name);
  const found: { plan: string; since: Date }[] = [];
  for await (const page of openInventory(location).pages(prefix))
    for (const { key, since } of page) found.push({ plan: key.slice(prefix.length).replace(/\.json$/, ""), since });
  if (found.length > 0) {
    const latestFirst = found.sort((a, b) => b.since.getTime() - a.since.getTime());
    return latestFirst.map(({ plan }) => ({ name, plan, ...location }));
  }
  throw new TouchstoneError("UnknownStudy", {
    what: `The store has no study ${name}`,
    where: `s3://${location.bucket}/${location.prefix}`,
    todo: "Give --bucket and --prefix as they are in the specification's checkpoints.",
  });
}

/** Names of the studies that have plans in the store. */
export function storedStudies(location: StoreLocation): Promise<string[]> {
  return openInventory(location).folders("v1/study/");
}

export function cellsOfPlan({ spec }: StudyPlan): CellCoordinates[] {
  return spec.models.flatMap(({ id }) => expandCells(spec, id));
}

/** @throws TouchstoneError UnknownModel, with the nearest name */
export function cellOfPlan(plan: StudyPlan, wanted: string): CellCoordinates {
  const cells = cellsOfPlan(plan);
  const found = cells.find((cell) => cellName(cell) === wanted);
  if (found !== undefined) return found;
  throw new TouchstoneError("UnknownModel", {
    what: `The study has no cell ${wanted}${nearest(wanted, cells.map(cellName))}`,
    where: `study ${plan.spec.name}`,
    todo: "Name a cell as MODEL/METHOD/SOURCE-nN-setK, or MODEL/dense.",
  });
}

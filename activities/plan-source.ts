import { sourceFiles } from "../calibration/documents.js";
import { givenSetFiles, readGivenSet } from "../calibration/given-sets.js";
import type { CalibrationSet } from "../calibration/set.js";
import { TouchstoneError } from "../study/errors.js";
import type { PlannedFile } from "../study/plan.js";
import { type GivenSets, isGiven, type StudySource } from "../study/source.js";
import type { StudySpec } from "../study/spec.js";
import { contentOf, sourceVersion } from "./planned-files.js";

export interface CheckedSource {
  /** Of documents: all. Of given sets: one a set, in their order. */
  files: PlannedFile[];
  /** Given sets, by their files. */
  sets: ReadonlyMap<string, CalibrationSet>;
}

/**
 * Finds a source's files and pins them. Documents may be many and are not read; sets that are given are.
 * @param where the source's key in the specification
 * @throws TouchstoneError InvalidData, InvalidStudySpec where fewer sets are given than are asked for
 */
export async function planSource(source: StudySource, spec: StudySpec, where: string): Promise<CheckedSource> {
  if (isGiven(source)) return planGiven(source, spec.calibration, where);
  return { files: await Promise.all((await sourceFiles(source.path)).map(sourceVersion)), sets: new Map() };
}

async function planGiven(
  { id, sets: given }: GivenSets,
  { sets: wanted, sizes, length }: StudySpec["calibration"],
  where: string,
): Promise<CheckedSource> {
  const uris = await givenSetFiles(given);
  if (uris.length < wanted) {
    throw new TouchstoneError("InvalidStudySpec", {
      what: `${where}.sets: ${id} has ${uris.length} given sets, but calibration.sets asks for ${wanted}`,
      where: "the study specification",
      todo: `Name more of them, or set calibration.sets to ${uris.length}.`,
    });
  }
  const files: PlannedFile[] = [];
  const sets = new Map<string, CalibrationSet>();
  for (const uri of uris.slice(0, wanted)) {
    files.push(await contentOf(uri));
    sets.set(uri, await readGivenSet(uri, { sequences: Math.max(...sizes), length }));
  }
  return { files, sets };
}

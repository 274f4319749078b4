import { stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { reportKey } from "../activities/report-study.js";
import { readFile } from "../storage/files.js";
import { openStore } from "../storage/store.js";
import { TouchstoneError } from "../study/errors.js";
import type { StudyResults } from "../study/results.js";
import { useStore } from "./services.js";

/** What tells a report from other JSON; the rest is as this program wrote it. */
const reportSchema = z.looseObject({
  results: z.looseObject({
    name: z.string(),
    tableMetric: z.enum(["acc", "accNorm"]),
    cells: z.array(z.looseObject({ model: z.string(), methodLabel: z.string(), evaluations: z.array(z.unknown()) })),
    environment: z.record(z.string(), z.string()),
  }),
});

/**
 * The results that a study's report was made of.
 * @param place a `report.json`, a folder that has one, or the name of a study that is in the store
 * @throws TouchstoneError UnknownStudy, InvalidData; ServiceUnavailable and errors of the store
 */
export async function savedReport(
  place: string,
  location: { bucket?: string; prefix?: string },
): Promise<StudyResults> {
  const found = await stat(place).catch(() => undefined);
  if (found !== undefined) {
    const file = found.isDirectory() ? join(place, "report.json") : place;
    return parseReport(await readFile(file), file);
  }
  const key = reportKey(place, "json");
  const bytes = await openStore(await useStore(location)).read(key);
  if (bytes !== undefined) return parseReport(bytes, key);
  throw new TouchstoneError("UnknownStudy", {
    what: "There is no such file or folder, and the store has no report of a study of this name",
    where: place,
    todo: "`touchstone study list` shows the studies; a report is written with a study's first finished cell.",
  });
}

function parseReport(bytes: Uint8Array, where: string): StudyResults {
  try {
    // Checked as far as it tells a report from something else.
    return reportSchema.parse(JSON.parse(new TextDecoder().decode(bytes))).results as unknown as StudyResults;
  } catch {
    throw new TouchstoneError("InvalidData", {
      what: "This is not the report.json of a study",
      where,
      todo: "Give a report.json, a folder that has one, or a study's name. `touchstone study report STUDY` writes them.",
    });
  }
}

import { existsSync } from "node:fs";
import { join } from "node:path";
import { modelPath } from "../../infra/quickstart-data.js";
import { homePath } from "../../storage/home.js";

/** What the set-up has fetched, read before a test makes another folder its home. */
export const setUp = { programs: homePath("bin"), model: modelPath(), data: homePath("data") };

/** Why tests of real studies can't run; undefined where the set-up has all that they need. */
export const skip = Object.values(setUp).every(existsSync)
  ? undefined
  : "the set-up's programs, model or texts are absent: npm run setup";

/** A file or folder of the set-up's texts. */
export function dataPath(...parts: string[]): string {
  return join(setUp.data, ...parts);
}

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
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

/** Why a small disk can't be had; undefined where this user may mount one. */
export const cannotMount = mayMount() ? undefined : "a small disk is mounted, which needs root";

function mayMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), "touchstone-disk-"));
  const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]);
  if (status === 0) spawnSync("umount", [folder]);
  rmdirSync(folder);
  return status === 0;
}

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";

/** Makes an empty folder the home of everything this test file does; gone when its tests are done. */
export function scratchHome(): string {
  const folder = mkdtempSync(join(tmpdir(), "touchstone-home-"));
  process.env.TOUCHSTONE_HOME = folder;
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

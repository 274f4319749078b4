import { existsSync } from "node:fs";
import { resolve } from "node:path";

/** The folder of reference values and sample data, or undefined where there is none: tests that need it are skipped. */
export function sharedFolder(): string | undefined {
  const folder = resolve(process.env.TOUCHSTONE_SHARED ?? "../shared");
  return existsSync(folder) ? folder : undefined;
}

import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of the checkout: compiled files lie two folders below it. */
export const checkoutFolder = resolve(fileURLToPath(new URL("../..", import.meta.url)));

/**
 * A path under the one folder that holds all Touchstone fetches, builds and starts: `TOUCHSTONE_HOME`, or `.touchstone/`
 * in the checkout. Deleting the folder undoes the set-up.
 */
export function homePath(...parts: string[]): string {
  return join(resolve(process.env.TOUCHSTONE_HOME || join(checkoutFolder, ".touchstone")), ...parts);
}

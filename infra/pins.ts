import { join } from "node:path";
import { z } from "zod";
import { checkoutFolder } from "../storage/home.js";
import { TouchstoneError } from "../study/errors.js";
import { readJson } from "./json-file.js";

const pinsSchema = z.strictObject({
  pypi: z.record(z.string(), z.strictObject({ bytes: z.int(), sha256: z.string() })),
  npm: z.record(z.string(), z.strictObject({ bytes: z.int(), integrity: z.string() })),
});

export type Pins = z.output<typeof pinsSchema>;

/** What the packages that Touchstone fetches must be, as released: `pypi` by file name, `npm` by name@version. */
export async function readPins(): Promise<Pins> {
  const path = join(checkoutFolder, "infra", "pins.json");
  const pins = await readJson(path, pinsSchema);
  if (pins !== undefined) return pins;
  throw new TouchstoneError("SetupIncomplete", {
    what: "A file of the checkout is missing",
    where: path,
    todo: "Restore it.",
  });
}

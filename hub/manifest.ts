import { z } from "zod";
import { TouchstoneError } from "../study/errors.js";

/** Lies beside the data: where each file is from, exactly. */
export const MANIFEST_FILE = "touchstone-data.json";

const hubFileSchema = z.object({ path: z.string(), size: z.int(), checksum: z.string() });

const outputSchema = z.object({
  /** In the folder. */
  path: z.string(),
  size: z.int(),
  sha256: z.string(),
  /** The repository's files that it is made from, in this order. */
  from: z.array(hubFileSchema),
});

const entrySchema = z.object({
  dataset: z.string(),
  config: z.string(),
  split: z.string(),
  /** The commit: what is fetched later is of this one too. */
  revision: z.string(),
  licence: z.string(),
  /** Files that the split has in the repository. */
  available: z.int(),
  outputs: z.array(outputSchema),
});

const manifestSchema = z.object({ version: z.literal(1), datasets: z.record(z.string(), entrySchema) });

export type Output = z.output<typeof outputSchema>;
export type Entry = z.output<typeof entrySchema>;
export type Manifest = z.output<typeof manifestSchema>;

export const emptyManifest: Manifest = { version: 1, datasets: {} };

/** @throws TouchstoneError InvalidData for a file that holds something else */
export function parseManifest(text: string, where: string): Manifest {
  try {
    return manifestSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new TouchstoneError(
      "InvalidData",
      {
        what: "The list of what was fetched is damaged",
        where,
        todo: "Delete it: files that are the hub's are found again, and not fetched again.",
      },
      { cause },
    );
  }
}

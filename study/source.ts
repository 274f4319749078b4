import { z } from "zod";

const id = z
  .string()
  .min(1)
  .max(80)
  .regex(/^[\w.-]+$/, "may have letters, digits, dots, dashes and underscores only");

/** A calibration source: where its documents lie, and which of their fields is the text. */
export const sourceSchema = z.strictObject({
  id,
  /** A file, folder or glob; local or s3://. JSON Lines (also .gz, .zst), Parquet, Arrow, or plain text (one document a file). */
  path: z.string().min(1),
  field: z.string().min(1).default("text"),
  /** Where it is from: kept with every set drawn from it. */
  dataset: z.string().optional(),
  revision: z.string().optional(),
  config: z.string().optional(),
  split: z.string().optional(),
});

export type SourceSpec = z.output<typeof sourceSchema>;

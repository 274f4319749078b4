import { z } from "zod";

const id = z
  .string()
  .min(1)
  .max(80)
  .regex(/^[\w.-]+$/, "may have letters, digits, dots, dashes and underscores only")
  .regex(/[^.]/, "may not be of dots alone");
const path = z.string().min(1);

/** A calibration source: where its documents lie, and which of their fields is the text. */
export const sourceSchema = z.strictObject({
  id,
  /** A file, folder or glob; local or s3://. JSON Lines (also .gz, .zst), Parquet, Arrow, or plain text (one document a file). */
  path,
  field: z.string().min(1).default("text"),
  /** Where it is from: kept with every set drawn from it. */
  dataset: z.string().optional(),
  revision: z.string().optional(),
  config: z.string().optional(),
  split: z.string().optional(),
});

export type SourceSpec = z.output<typeof sourceSchema>;

/** A source whose calibration sets are there already: set k is file k. */
export interface GivenSets {
  id: string;
  /** Files or globs, local or s3://. */
  sets: string[];
}

/** What is said of documents, and its defaults. */
const documentKeys = sourceSchema.omit({ id: true, path: true }).keyof().options;
const unsaid = sourceSchema.parse({ id: "unsaid", path: "unsaid" });

/** A source of a study: documents to draw sets from (`path`), or ready-made sets (`sets`). */
export const studySourceSchema = sourceSchema
  .extend({ path: path.optional(), sets: z.array(path).nonempty().optional() })
  .superRefine((source, context) => {
    const wrong = (message: string, ...key: string[]) => context.addIssue({ code: "custom", path: key, message });
    if (source.path === undefined && source.sets === undefined) {
      wrong("is missing: give path (documents to draw sets from) or sets (files of ready-made sets)", "path");
    }
    if (source.sets === undefined) return;
    if (source.path !== undefined) wrong("give either path or sets, not both");
    const foreign = documentKeys.find((key) => source[key] !== unsaid[key]);
    if (foreign !== undefined) wrong("says something about documents, and sets that are given have none", foreign);
  })
  .transform(({ path: where = "", sets, ...rest }): SourceSpec | GivenSets =>
    sets === undefined ? { ...rest, path: where } : { id: rest.id, sets },
  );

export type StudySource = z.output<typeof studySourceSchema>;

export function isGiven(source: StudySource): source is GivenSets {
  return "sets" in source;
}

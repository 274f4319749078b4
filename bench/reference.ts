import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { z } from "zod";
import { readCalibration } from "../calibration/read-calibration.js";
import { sampleSets } from "../calibration/sample.js";
import type { Model } from "../models/model.js";
import { homePath } from "../storage/home.js";
import { methodSettingsSchema } from "../study/methods.js";
import { sourceSchema } from "../study/source.js";

const phases = z.object({ capture: z.number(), solve: z.number(), forward: z.number() });
const expectedSchema = z.object({
  cases: z.record(
    z.string(),
    z.object({
      settings: methodSettingsSchema.nullable(),
      seconds: z.number().optional(),
      phases: phases.optional(),
      noise: z.array(z.number()).optional(),
    }),
  ),
});

/** One of the cases of the reference values. */
type ReferenceCase = z.output<typeof expectedSchema>["cases"][string];

/** PyTorch's seconds for one of the cases of the reference values. */
export interface PyTorchSeconds {
  seconds: number;
  phases: z.output<typeof phases>;
}

const SEQUENCES = 16;
const LENGTH = 256;

/** Reference values lie beside the checkout, if anywhere. */
export function referenceFile(name: string): string | undefined {
  const path = join(resolve(process.env.TOUCHSTONE_SHARED ?? "../shared"), "reference", "endtoend", name);
  return existsSync(path) ? path : undefined;
}

/** 16 x 256 tokens: those of the reference values, so that seconds compare; else a set of the quickstart's speeches. */
export async function calibrationTokens(model: Model): Promise<readonly Int32Array[]> {
  const reference = referenceFile("calibration_tokens.json");
  if (reference !== undefined) return readCalibration(reference);
  const path = homePath("data", "corpora", "sotu.jsonl");
  const [set] = await sampleSets({
    source: sourceSchema.parse({ id: "sotu", path }),
    files: [path],
    tokenizer: await model.tokenizer(),
    settings: { length: LENGTH, seed: 0, pack: false, bos: "document", reuse: false, largestSize: SEQUENCES },
    sets: [0],
  });
  return set.sequences.map(({ tokens }) => tokens);
}

/** By the case's name; none where there are no reference values. */
export async function referenceCases(): Promise<Readonly<Record<string, ReferenceCase>>> {
  const path = referenceFile("expected.json");
  return path === undefined ? {} : expectedSchema.parse(JSON.parse(await readFile(path, "utf8"))).cases;
}

/** By the case's name. */
export async function pyTorchSeconds(): Promise<ReadonlyMap<string, PyTorchSeconds>> {
  const known = Object.entries(await referenceCases()).flatMap(
    ([name, { seconds, phases: of }]): [string, PyTorchSeconds][] =>
      seconds === undefined || of === undefined ? [] : [[name, { seconds, phases: of }]],
  );
  return new Map(known);
}

import { firstSequences, sampleSets } from "../calibration/sample.js";
import { type CalibrationSet, encodeSet, tokensDigest } from "../calibration/set.js";
import type { Checkpoints, Manifest } from "../storage/checkpoints.js";
import type { StudyPlan, StudyRef } from "../study/plan.js";
import { calibrationDerivation, sourceOf } from "./derivations.js";
import { requireSameSource } from "./planned-files.js";
import type { StepContext } from "./step.js";

/** What a set's manifest says besides its bytes. */
export interface CalibrationFacts {
  /** Of the token ids: sets that hold the same are the same to every later step. */
  digest: string;
  sequences: number;
}

/**
 * Draws and stores all sets of one source for one model's tokenizer, in one pass over the source.
 * @throws TouchstoneError NotEnoughDocuments, InvalidData
 */
export async function sampleSource(
  { study, model, source }: { study: StudyRef; model: string; source: string },
  { state, report }: StepContext,
): Promise<{ sets: number }> {
  const plan = await state.plan(study);
  const checkpoints = state.checkpoints(study);
  const { sizes, sets, ...settings } = plan.spec.calibration;
  const missing = await missingSets(plan, checkpoints, model, source);
  if (missing.length === 0) return { sets };

  const { files } = plan.sources[source];
  await requireSameSource(files);
  const opened = await state.model(plan, model, null);
  const drawn = await sampleSets(
    {
      source: sourceOf(plan, source),
      files: files.map(({ uri }) => uri),
      tokenizer: await opened.tokenizer(),
      settings: { ...settings, largestSize: Math.max(...sizes) },
      sets: missing,
    },
    (documents) => report({ stage: `reading ${source}`, done: documents, total: 0 }),
  );
  for (const [i, set] of drawn.entries()) {
    for (const size of sizes) await store(plan, checkpoints, model, source, missing[i], firstSequences(set, size));
    report({ stage: `storing sets of ${source}`, done: i + 1, total: drawn.length });
  }
  return { sets };
}

async function missingSets(plan: StudyPlan, checkpoints: Checkpoints, model: string, source: string) {
  const { sizes, sets } = plan.spec.calibration;
  const missing: number[] = [];
  for (let set = 0; set < sets; set++) {
    const found = await Promise.all(
      sizes.map((size) => checkpoints.find("calibration", calibrationDerivation(plan, model, source, size, set))),
    );
    if (found.includes(undefined)) missing.push(set);
  }
  return missing;
}

function store(
  plan: StudyPlan,
  checkpoints: Checkpoints,
  model: string,
  source: string,
  index: number,
  set: CalibrationSet,
): Promise<Manifest<CalibrationFacts>> {
  const size = set.sequences.length;
  const facts = { digest: tokensDigest(set), sequences: size };
  const derivation = calibrationDerivation(plan, model, source, size, index);
  return checkpoints.commit("calibration", derivation, { set: encodeSet(set) }, facts);
}

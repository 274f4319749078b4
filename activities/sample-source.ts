import { drawSource } from "../calibration/draw-source.js";
import { readSetFile } from "../calibration/read-calibration.js";
import { firstSequences } from "../calibration/sample.js";
import { type CalibrationSet, encodeSet, tokensDigest } from "../calibration/set.js";
import type { Checkpoints, Manifest } from "../storage/checkpoints.js";
import { identity } from "../storage/identity.js";
import type { PlannedFile, StudyPlan, StudyRef } from "../study/plan.js";
import { isGiven, type SourceSpec } from "../study/source.js";
import { computeOnce } from "./compute-once.js";
import { calibrationDerivation, sourceOf } from "./derivations.js";
import { requireSameSource, requireUnchanged } from "./planned-files.js";
import type { StepContext } from "./step.js";

/** What a set's manifest says besides its bytes. */
export interface CalibrationFacts {
  /** Of the token ids: sets that hold the same are the same to every later step. */
  digest: string;
  sequences: number;
}

/**
 * Draws all sets of one source for one model's tokenizer, in one pass over the source, or reads those that are given; and
 * stores them.
 * @throws TouchstoneError NotEnoughDocuments, InvalidData
 */
export async function sampleSource(
  { study, model, source }: { study: StudyRef; model: string; source: string },
  context: StepContext,
): Promise<{ sets: number }> {
  const { state, report } = context;
  const plan = await state.plan(study);
  const checkpoints = state.checkpoints(study);
  const { sizes, sets } = plan.spec.calibration;
  const [first] = await missingSets(plan, checkpoints, model, source);
  if (first === undefined) return { sets };

  const find = async () => ((await missingSets(plan, checkpoints, model, source)).length === 0 ? { sets } : undefined);
  const compute = async () => {
    const missing = await missingSets(plan, checkpoints, model, source);
    const specification = sourceOf(plan, source);
    const found = isGiven(specification)
      ? await readGiven(missing.map((set) => plan.sources[source].files[set]))
      : await draw(plan, model, specification, missing, context);
    for (const [i, set] of found.entries()) {
      for (const size of sizes) await store(plan, checkpoints, model, source, missing[i], firstSequences(set, size));
      report({ stage: `storing sets of ${source}`, done: i + 1, total: found.length });
    }
    return { sets };
  };
  const key = identity(calibrationDerivation(plan, model, source, sizes[0], first));
  return computeOnce(state.store(study), key, { find, compute }, context);
}

async function readGiven(files: readonly PlannedFile[]): Promise<CalibrationSet[]> {
  const sets: CalibrationSet[] = [];
  for (const file of files) {
    await requireUnchanged(file);
    sets.push(await readSetFile(file.uri));
  }
  return sets;
}

async function draw(
  plan: StudyPlan,
  model: string,
  source: SourceSpec,
  sets: readonly number[],
  { state, report }: StepContext,
): Promise<CalibrationSet[]> {
  const { files } = plan.sources[source.id];
  await requireSameSource(files);
  const opened = await state.model(plan, model, null);
  return drawSource(
    {
      source,
      files: files.map(({ uri }) => uri),
      tokenizer: await opened.tokenizer(),
      calibration: plan.spec.calibration,
      sets,
    },
    (documents) => report({ stage: `reading ${source.id}`, done: documents, total: 0 }),
  );
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

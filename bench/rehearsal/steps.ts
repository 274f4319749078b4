import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { recordedCells } from "../../activities/cell-records.js";
import {
  blockDerivation,
  calibrationDerivation,
  cellDerivation,
  evaluationDerivation,
} from "../../activities/derivations.js";
import { planKey } from "../../activities/process-state.js";
import type { StepContext } from "../../activities/step.js";
import { type Activities, steps } from "../../activities/steps.js";
import type { CheckpointKind } from "../../storage/checkpoints.js";
import { identity, NUMERICS_VERSION } from "../../storage/identity.js";
import { expandCells } from "../../study/cells.js";
import { evaluationsOf, type StudyPlan, type StudyRef } from "../../study/plan.js";
import { parseStudySpec } from "../../study/spec.js";

/**
 * Stand-ins of the steps that compute: they find their result or else commit one, and sleep for as long as computing would take.
 * Looking for cells that are left, and recording failures, are the real ones.
 */

/** The calibration set's content, which nothing depends on. */
const DIGEST = "set";

/** How long computing takes, milliseconds; given to workers as a variable. */
export const SLEEP_VARIABLE = "TOUCHSTONE_REHEARSAL_MS";

/** Where it is noted that a step committed what another attempt had committed; then the kind. */
export const REPEATED = "v1/rehearsal/repeated/";

type Input<Name extends keyof Activities> = Parameters<Activities[Name]>[0];

export const rehearsalSteps = {
  planSweep: steps.planSweep,
  recordFailure: steps.recordFailure,
  skipCell: steps.skipCell,
  unskipCells: steps.unskipCells,
  planSearch: steps.planSearch,
  openSearchRound: steps.openSearchRound,
  rankSearchRound: steps.rankSearchRound,

  planStudy: async (input: unknown, { state }: StepContext): ReturnType<Activities["planStudy"]> => {
    const spec = parseStudySpec(input);
    const { bucket = "", prefix } = spec.checkpoints;
    const [{ id: model, path }] = spec.models;
    const plan: StudyPlan = {
      spec,
      environment: { numerics: NUMERICS_VERSION, backend: "rehearsal", threads: 1 },
      models: { [model]: { digest: model, tokenizer: model, blocks: Number(path) } },
      sources: Object.fromEntries(spec.sources.map(({ id }) => [id, { files: [] }])),
      tasks: {},
      perplexity: Object.fromEntries(
        spec.evaluation.perplexity.map(({ id, path: uri }) => [id, { uri, version: id, form: "text", length: 1 }]),
      ),
    };
    const study: StudyRef = { name: spec.name, bucket, prefix, plan: identity(plan) };
    const bytes = new TextEncoder().encode(JSON.stringify(plan));
    await state.store(study).replace(planKey(study.name, study.plan), bytes, "application/json");
    const models = [{ id: model, cells: expandCells(spec, model).length }];
    const { cells: window, priority } = spec.concurrency;
    return { study, models, sources: spec.sources.map(({ id }) => id), window, device: "cpu", priority };
  },

  sampleSource: async ({ study, model, source }: Input<"sampleSource">, context: StepContext) => {
    const plan = await context.state.plan(study);
    const { sets, sizes } = plan.spec.calibration;
    const facts = { digest: DIGEST, sequences: sizes[0] };
    for (let set = 0; set < sets; set += 32) {
      const some = Array.from({ length: Math.min(32, sets - set) }, (_, i) => set + i);
      const derivations = some.map((each) => calibrationDerivation(plan, model, source, sizes[0], each));
      await Promise.all(derivations.map((each) => commit(study, "calibration", each, facts, context)));
    }
    return { sets };
  },

  embedCalibration: async () => ({ key: null }),

  compressBlock: async ({ study, cell, block }: Input<"compressBlock">, context: StepContext) => {
    await compute(context);
    const derivation = blockDerivation(await context.state.plan(study), cell, `${DIGEST} ${cell.set}`, block);
    await commit(study, "block", derivation, { worker: process.ppid }, context);
    return { reused: false, error: null };
  },

  evaluate: async ({ study, cell, evaluation }: Input<"evaluate">, context: StepContext) => {
    await compute(context);
    const derivation = evaluationDerivation(await context.state.plan(study), cell, `${DIGEST} ${cell.set}`, evaluation);
    const result = { ...evaluation, metrics: {}, standardErrors: {}, count: 0 };
    await commit(study, "evaluation", derivation, { evaluation: result, seconds: 0 }, context);
    return { reused: false, evaluation: result };
  },

  finishCell: async ({ study, cell }: Input<"finishCell">, context: StepContext) => {
    const plan = await context.state.plan(study);
    const digest = cell.set === null ? null : DIGEST;
    const result = {
      ...{ ...cell, evaluations: [], bitsPerWeight: null, sparsity: null, error: null, calibrationDigest: digest },
      seconds: { compress: 0, evaluate: 0 },
    };
    await commit(study, "cell", cellDerivation(plan, cell, digest, evaluationsOf(plan.spec)), result, context);
    return result;
  },

  reportStudy: async ({ study }: Input<"reportStudy">, { state }: StepContext) => {
    const store = state.store(study);
    const [cells, failed, skipped] = await Promise.all([
      store.list("v1/cell/"),
      recordedCells(store, "failures", study.name),
      recordedCells(store, "skipped", study.name),
    ]);
    return { report: "", cells: cells.length, failed: failed.length, skipped: skipped.length, summary: "" };
  },
};

/** A process computes one thing at a time. */
async function compute({ state, signal }: StepContext): Promise<void> {
  const milliseconds = Number(process.env[SLEEP_VARIABLE] ?? 0);
  await state.compressing.run(() => sleep(milliseconds, undefined, { signal }), signal);
}

/** Commits, and notes where another attempt had committed the same before. */
async function commit(
  study: StudyRef,
  kind: CheckpointKind,
  derivation: unknown,
  facts: object,
  { state }: StepContext,
): Promise<void> {
  const attempt = randomUUID();
  const manifest = await state.checkpoints(study).commit(kind, derivation, {}, { ...facts, attempt });
  if (manifest.facts.attempt === attempt) return;
  await state.store(study).writeNew(`${REPEATED}${kind}/${attempt}`, new Uint8Array());
}

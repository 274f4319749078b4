import { evaluateTask } from "../evaluation/evaluate.js";
import { evaluatePerplexity, windowsOf } from "../evaluation/perplexity.js";
import { readDocuments, readPerplexityInput } from "../evaluation/perplexity-text.js";
import { readTaskRecords } from "../evaluation/records.js";
import { rollingPerplexity } from "../evaluation/rolling.js";
import { encodeSamples } from "../evaluation/samples.js";
import type { StoredScores } from "../evaluation/stored-scores.js";
import { studyTask } from "../evaluation/study-task.js";
import type { Model } from "../models/model.js";
import { identity } from "../storage/identity.js";
import { measure } from "../storage/measure.js";
import { parseMemory } from "../study/memory.js";
import { DEFINED, type EvaluationName, type StudyPlan } from "../study/plan.js";
import type { Evaluation } from "../study/results.js";
import { TEXT_WINDOW } from "../study/spec.js";
import { type CellRef, type CellTask, cellTask } from "./cell-task.js";
import { compressedModel } from "./compressed-weights.js";
import { computeOnce } from "./compute-once.js";
import { evaluationDerivation, modelIdentity, perplexityOf } from "./derivations.js";
import { requireUnchanged } from "./planned-files.js";
import type { StepContext } from "./step.js";
import { storedScores } from "./stored-scores.js";

/** What an evaluation's manifest says; every request's log-likelihood is in its object `samples`. */
export interface EvaluationFacts {
  evaluation: Evaluation;
  seconds: number;
}

/**
 * Scores one task, or the perplexity of one text, with a cell's model, unless that was done before.
 * @throws TouchstoneError InvalidData, NumericalError, CheckpointCorrupt and storage errors (retryable)
 */
export async function evaluate(
  { evaluation, ...ref }: CellRef & { evaluation: EvaluationName },
  context: StepContext,
): Promise<{ reused: boolean; evaluation: Evaluation }> {
  const { study, cell } = ref;
  const plan = await context.state.plan(study);
  const checkpoints = context.state.checkpoints(study);
  const task = await cellTask(ref, context);
  const calibration = task?.calibration.facts.digest ?? null;
  const derivation = evaluationDerivation(plan, cell, calibration, evaluation);
  const find = async () => (await checkpoints.find<EvaluationFacts>("evaluation", derivation))?.facts.evaluation;
  const found = await find();
  if (found !== undefined) return { reused: true, evaluation: found };
  const compute = () => computeEvaluation(plan, evaluation, { ...ref, task, derivation }, context);
  // A compressed model is its cell's own; the dense one is that of all studies.
  const computed =
    task === undefined
      ? await computeOnce(context.state.store(study), identity(derivation), { find, compute }, context)
      : await compute();
  return { reused: false, evaluation: computed };
}

/** Scores, and stores what that gave. */
async function computeEvaluation(
  plan: StudyPlan,
  evaluation: EvaluationName,
  { study, cell, task, derivation }: CellRef & { task?: CellTask; derivation: unknown },
  context: StepContext,
): Promise<Evaluation> {
  const checkpoints = context.state.checkpoints(study);
  const calibration = task?.calibration.facts.digest ?? null;
  await context.state.requireEnvironment(plan);
  const dense = await context.state.model(plan, cell.model, cell.noise);
  const model = task === undefined ? dense : compressedModel(task, dense, context);
  const stored = storedScores(checkpoints, modelIdentity(plan, cell, calibration), context.signal);
  const { scored, seconds } = await context.state.evaluating.run(async () => {
    const started = performance.now();
    const scored = await score(plan, evaluation, model, stored, context);
    return { scored, seconds: (performance.now() - started) / 1000 };
  }, context.signal);
  measure("touchstone_phase_seconds", seconds, { phase: "evaluate", method: cell.methodLabel });
  const facts = { evaluation: scored.evaluation, seconds };
  context.signal.throwIfAborted();
  await checkpoints.commit("evaluation", derivation, { samples: encodeSamples(scored.samples) }, facts);
  return scored.evaluation;
}

/** Requests whose scores are in the store are not scored again: nor those of a killed step, nor for more records or another metric. */
async function score(
  plan: StudyPlan,
  { kind, id }: EvaluationName,
  model: Model,
  stored: StoredScores,
  { report, signal }: StepContext,
) {
  const tokenizer = await model.tokenizer();
  const memory = parseMemory(plan.spec.evaluation.memory);
  const onProgress = (done: number, total: number) => {
    signal.throwIfAborted();
    report({ stage: `evaluating ${id}`, done, total });
  };
  if (kind === "task") {
    const { records, only, examples } = plan.tasks[id];
    const { limit, addBos, noiseSeed, data = "" } = plan.spec.evaluation;
    await requireUnchanged(records);
    if (examples !== undefined && examples.version !== DEFINED) await requireUnchanged(examples);
    const task = studyTask(plan.spec.evaluation, id);
    const options = { limit, only, addBos, noiseSeed, memory, stored, onProgress };
    return evaluateTask(model, tokenizer, task, await readTaskRecords(data, task), options);
  }
  const { limit } = perplexityOf(plan, id);
  const file = plan.perplexity[id];
  await requireUnchanged(file);
  const options = { id, memory, stored, onProgress };
  if (file.form === "rolling") {
    const documents = (await readDocuments(file.uri)).slice(0, limit ?? undefined);
    return rollingPerplexity(model, tokenizer, documents, { ...options, length: file.length });
  }
  const input = await readPerplexityInput(file.uri);
  const windows = windowsOf(input, tokenizer, file.length ?? TEXT_WINDOW, limit, { where: file.uri });
  return evaluatePerplexity(model, windows, options);
}

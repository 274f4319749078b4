import { evaluateTask } from "../evaluation/evaluate.js";
import { evaluatePerplexity } from "../evaluation/perplexity.js";
import { readPerplexityText } from "../evaluation/perplexity-text.js";
import { readTaskRecords } from "../evaluation/records.js";
import { encodeSamples } from "../evaluation/samples.js";
import type { Model } from "../models/model.js";
import type { EvaluationName, StudyPlan } from "../study/plan.js";
import type { Evaluation } from "../study/results.js";
import { type CellRef, cellTask } from "./cell-task.js";
import { compressedModel } from "./compressed-weights.js";
import { evaluationDerivation, perplexityOf } from "./derivations.js";
import { requireUnchanged } from "./planned-files.js";
import type { StepContext } from "./step.js";

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
  const derivation = evaluationDerivation(plan, cell, task?.calibration.facts.digest ?? null, evaluation);
  const found = await checkpoints.find<EvaluationFacts>("evaluation", derivation);
  if (found !== undefined) return { reused: true, evaluation: found.facts.evaluation };

  await context.state.requireEnvironment(plan);
  const started = performance.now();
  const dense = await context.state.model(plan, cell.model, cell.noise);
  const model = task === undefined ? dense : compressedModel(task, dense, context);
  const scored = await score(plan, evaluation, model, context);
  const facts = { evaluation: scored.evaluation, seconds: (performance.now() - started) / 1000 };
  context.signal.throwIfAborted();
  await checkpoints.commit("evaluation", derivation, { samples: encodeSamples(scored.samples) }, facts);
  return { reused: false, evaluation: scored.evaluation };
}

async function score(plan: StudyPlan, { kind, id }: EvaluationName, model: Model, { report, signal }: StepContext) {
  const tokenizer = await model.tokenizer();
  const onProgress = (done: number, total: number) => {
    signal.throwIfAborted();
    report({ stage: `evaluating ${id}`, done, total });
  };
  if (kind === "task") {
    const { records: file } = plan.tasks[id];
    const { limit, addBos, data = "" } = plan.spec.evaluation;
    await requireUnchanged(file);
    const { records, where } = await readTaskRecords(data, id);
    return evaluateTask(model, tokenizer, id, records, { limit, addBos, where, onProgress });
  }
  const { length, limit } = perplexityOf(plan, id);
  const file = plan.perplexity[id];
  await requireUnchanged(file);
  const text = await readPerplexityText(file.uri);
  return evaluatePerplexity(model, tokenizer, text, { id, length, limit, where: file.uri, onProgress });
}

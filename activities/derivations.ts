import { identity } from "../storage/identity.js";
import { type ActivationDtype, activationDtypeOf, DEFAULT_ACTIVATION_DTYPE } from "../study/activation-dtype.js";
import { isDataFree } from "../study/cells.js";
import type { EvaluationName, PlannedTask, StudyPlan } from "../study/plan.js";
import type { CellCoordinates } from "../study/results.js";
import { isGiven } from "../study/source.js";
import { splitTaskName } from "../study/task-name.js";

/**
 * What determines a calibration set: all that sampling lets it depend on; where it was given, its file's content.
 */
export function calibrationDerivation(plan: StudyPlan, model: string, source: string, size: number, set: number) {
  const { sizes, length, seed, pack, bos, reuse } = plan.spec.calibration;
  const { files } = plan.sources[source];
  const specification = sourceOf(plan, source);
  if (isGiven(specification)) return { step: "calibration", given: files[set].version, size };
  const { path: _path, ...description } = specification;
  return {
    step: "calibration",
    tokenizer: plan.models[model].tokenizer,
    source: description,
    files,
    largestSize: Math.max(...sizes),
    settings: { length, seed, pack, bos, reuse },
    size,
    set,
  };
}

/** The inputs of a block: after the embedding (block 0), or after the compressed blocks before it. */
export function activationsDerivation(
  plan: StudyPlan,
  cell: CellCoordinates,
  calibrationDigest: string,
  block: number,
) {
  if (block > 0) return { ...blockDerivation(plan, cell, calibrationDigest, block - 1), step: "activations" };
  const { environment, models } = plan;
  return {
    step: "embedding",
    environment,
    model: models[cell.model].digest,
    calibration: calibrationDigest,
    jitter: cell.noise,
    ...activationsOf(plan),
  };
}

/** How hidden states rest, where it isn't as they are computed. */
function activationsOf({ spec }: StudyPlan): { activations?: ActivationDtype } {
  const dtype = activationDtypeOf(spec.calibration);
  return dtype === DEFAULT_ACTIVATION_DTYPE ? {} : { activations: dtype };
}

/**
 * What determines a compressed block. All earlier blocks follow from the same things, so they need not be named. The set
 * counts by its content: the same set under another index is the same block.
 */
export function blockDerivation(plan: StudyPlan, cell: CellCoordinates, calibrationDigest: string, block: number) {
  return {
    step: "block",
    environment: plan.environment,
    model: plan.models[cell.model].digest,
    settings: cell.method,
    calibration: calibrationDigest,
    jitter: cell.noise,
    ...(usesActivations(cell) ? activationsOf(plan) : {}),
    block,
  };
}

/** Identity of what determines the weights that a cell's model computes with, and how. */
export function modelIdentity(plan: StudyPlan, cell: CellCoordinates, calibrationDigest: string | null): string {
  const { digest, blocks } = plan.models[cell.model];
  return identity(
    calibrationDigest === null
      ? { step: "dense", environment: plan.environment, model: digest }
      : blockDerivation(plan, cell, calibrationDigest, blocks - 1),
  );
}

/** A portion of the scores of a model's requests; a request counts by its tokens, whichever task asks for it. */
export function scoresDerivation(model: string, portion: number) {
  return { step: "scores", model, portion };
}

export function evaluationDerivation(
  plan: StudyPlan,
  cell: CellCoordinates,
  calibrationDigest: string | null,
  evaluation: EvaluationName,
) {
  const common = {
    step: evaluation.kind,
    model: modelIdentity(plan, cell, calibrationDigest),
    tokenizer: plan.models[cell.model].tokenizer,
  };
  if (evaluation.kind === "task") {
    const { limit, addBos, definitions = {}, numFewshot, noiseSeed = 0 } = plan.spec.evaluation;
    const { version, records, only, examples, perturbation } = plan.tasks[evaluation.id];
    const { task } = splitTaskName(evaluation.id);
    return {
      ...common,
      ...{ task: evaluation.id, version, records: records.version, limit, addBos },
      ...(only === undefined ? {} : { only: identity(only) }),
      ...(Object.hasOwn(definitions, task) ? { definition: identity(definitions[task]) } : {}),
      ...(examples === undefined ? {} : { examples: examples.version, numFewshot: numFewshot ?? null }),
      ...(perturbation === undefined ? {} : { perturbation, noiseSeed }),
    };
  }
  const { form, version, length } = plan.perplexity[evaluation.id];
  return { ...common, [form]: version, length, limit: perplexityOf(plan, evaluation.id).limit };
}

/** A cell is its place in the study's table and everything that was measured there. */
export function cellDerivation(
  plan: StudyPlan,
  cell: CellCoordinates,
  calibrationDigest: string | null,
  evaluations: readonly EvaluationName[],
) {
  return {
    step: "cell",
    cell,
    evaluations: evaluations.map((each) => evaluationDerivation(plan, cell, calibrationDigest, each)),
  };
}

/** The tasks by their names without perturbations: perturbed ones have the records of the task as it is. */
export function unperturbedTasks({ spec, tasks }: StudyPlan): ReadonlyMap<string, PlannedTask> {
  return new Map(spec.evaluation.tasks.map((name) => [splitTaskName(name).task, tasks[name]]));
}

/** What decides which evaluation records stand in which calibration sets. */
export function contaminationDerivation(
  plan: StudyPlan,
  sets: readonly { source: string; set: number; digest: string }[],
) {
  const { spec, models } = plan;
  const { limit, definitions = {} } = spec.evaluation;
  return {
    step: "contamination",
    // Raised with another way to look.
    version: 1,
    tokenizer: models[spec.models[0].id].tokenizer,
    sets,
    tasks: Array.from(unperturbedTasks(plan), ([name, { version, records }]) => ({
      name,
      version,
      records: records.version,
    })),
    definitions: identity(definitions),
    limit,
  };
}

/** What decides the figures of which calibration sets. */
export function inspectionDerivation(
  plan: StudyPlan,
  sets: readonly { source: string; set: number; digest: string }[],
) {
  const { spec, models } = plan;
  // The version is raised with another way to look.
  return { step: "inspection", version: 1, tokenizer: models[spec.models[0].id].tokenizer, sets };
}

/** Whether a cell's compression looks at the activations of its calibration set. */
export function usesActivations(cell: CellCoordinates): boolean {
  return cell.method !== null && !isDataFree(cell.method.method);
}

export function modelOf(plan: StudyPlan, id: string) {
  return byId(plan.spec.models, id);
}

export function sourceOf(plan: StudyPlan, id: string) {
  return byId(plan.spec.sources, id);
}

export function perplexityOf(plan: StudyPlan, id: string) {
  return byId(plan.spec.evaluation.perplexity, id);
}

function byId<T extends { id: string }>(items: readonly T[], id: string): T {
  const found = items.find((item) => item.id === id);
  if (found === undefined) throw new RangeError(`the plan has no ${id}`);
  return found;
}

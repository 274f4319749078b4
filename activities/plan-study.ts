import { requireTokensOf } from "../calibration/given-sets.js";
import { checkModelSettings } from "../compression/linears.js";
import { askQuestions } from "../evaluation/few-shot.js";
import { requireEffect } from "../evaluation/perturbation/perturb.js";
import { type Records, readTaskRecords } from "../evaluation/records.js";
import { type TaskDefinitions, taskNamed } from "../evaluation/registry.js";
import { isTaskName, resolveTasks } from "../evaluation/resolve-tasks.js";
import { studyTask } from "../evaluation/study-task.js";
import { loadModel } from "../models/load.js";
import { countParameters } from "../models/parameters.js";
import { openCheckpoints } from "../storage/checkpoints.js";
import { identity } from "../storage/identity.js";
import { openStore } from "../storage/store.js";
import { expandCells } from "../study/cells.js";
import { TouchstoneError } from "../study/errors.js";
import {
  DEFINED,
  type PlannedFile,
  type PlannedModel,
  type PlannedStudy,
  type PlannedTask,
  type StudyPlan,
} from "../study/plan.js";
import { parseStudySpec, type StudySpec } from "../study/spec.js";
import { withLeastCertain } from "./least-certain.js";
import { type CheckedSource, planSource } from "./plan-source.js";
import { type CheckedText, planText, requireWindows } from "./plan-text.js";
import { contentOf } from "./planned-files.js";
import { currentEnvironment, deviceOf, planKey } from "./process-state.js";
import type { StepContext } from "./step.js";
import { requireOwnName } from "./study-name.js";

/**
 * Checks a specification and everything that it points to, pins it by digests, and stores the plan.
 * @throws TouchstoneError for everything that would make the study fail later: InvalidStudySpec, UnknownMethod, UnknownTask,
 *   UnknownModel, InvalidModel, InvalidSettings, TokenizerMismatch, InvalidData, StudyNameTaken, StorageDenied
 */
export async function planStudy(input: unknown, { report }: StepContext): Promise<PlannedStudy> {
  const spec = await completeSpec(input);
  if (spec.search !== undefined) throw isSearch(spec);
  const bucket = spec.checkpoints.bucket ?? "";
  const store = openStore({ bucket, prefix: spec.checkpoints.prefix });
  await requireOwnName(store, spec);
  const plan = await withLeastCertain(await makePlan(spec, report), openCheckpoints(store));
  const study = { name: spec.name, bucket, prefix: spec.checkpoints.prefix, plan: identity(plan) };
  // Written even where it is: a plan that was altered in the store is whole again.
  const bytes = new TextEncoder().encode(JSON.stringify(plan));
  await store.replace(planKey(study.name, study.plan), bytes, "application/json");
  return {
    study,
    models: spec.models.map(({ id }) => ({ id, cells: expandCells(spec, id).length })),
    sources: spec.sources.map(({ id }) => id),
    window: spec.concurrency.cells,
    device: deviceOf(plan.environment),
    priority: spec.concurrency.priority,
  };
}

function isSearch({ name }: StudySpec): TouchstoneError {
  return new TouchstoneError("InvalidStudySpec", {
    what: "search: makes rounds of studies, and is no study",
    where: `the specification ${name}`,
    todo: "Start it with `touchstone study search`, or as a workflow of the type `search`; or leave the key out.",
  });
}

/** Checks everything that a specification points to, and pins it. @throws TouchstoneError as `planStudy`, but of the store */
export async function makePlan(spec: StudySpec, report: StepContext["report"]): Promise<StudyPlan> {
  const texts = new Map<string, CheckedText>();
  for (const [i, text] of spec.evaluation.perplexity.entries()) {
    texts.set(text.id, await planText(text, `evaluation.perplexity[${i}]`));
  }
  const sources = new Map<string, CheckedSource>();
  for (const [i, source] of spec.sources.entries()) {
    sources.set(source.id, await planSource(source, spec, `sources[${i}]`));
  }
  const models: Record<string, PlannedModel> = {};
  for (const [i, { id, path }] of spec.models.entries()) {
    report({ stage: `checking model ${id}`, done: i, total: spec.models.length });
    models[id] = await planModel(path, spec, [...texts.values()], [...sources.values()]);
  }
  const tasks: Record<string, StudyPlan["tasks"][string]> = {};
  for (const [i, name] of spec.evaluation.tasks.entries()) {
    report({ stage: `checking task ${name}`, done: i, total: spec.evaluation.tasks.length });
    tasks[name] = await planTask(name, spec);
  }
  return {
    spec,
    environment: await currentEnvironment(),
    models,
    sources: Object.fromEntries(Array.from(sources, ([id, { files }]) => [id, { files }])),
    tasks,
    perplexity: Object.fromEntries(Array.from(texts, ([id, { planned }]) => [id, planned])),
  };
}

/** With all that a specification leaves to this machine. @throws TouchstoneError as `planStudy`, for the specification alone */
export async function completeSpec(input: unknown): Promise<StudySpec> {
  return withTasks(withDefaultBucket(parseStudySpec(input)));
}

function withDefaultBucket(spec: StudySpec): StudySpec {
  const bucket = spec.checkpoints.bucket ?? process.env.TOUCHSTONE_BUCKET;
  if (bucket !== undefined) return { ...spec, checkpoints: { ...spec.checkpoints, bucket } };
  throw new TouchstoneError("InvalidStudySpec", {
    what: "checkpoints.bucket: is missing, and the workers have no TOUCHSTONE_BUCKET",
    where: "the study specification",
    todo: "Name the bucket that results go to.",
  });
}

/**
 * With tasks in place of groups, and what YAML files hold in place of their paths.
 * @throws TouchstoneError UnknownTask, InvalidTask; InvalidStudySpec where two names stand for one task
 */
export async function withTasks(spec: StudySpec): Promise<StudySpec> {
  const { tasks, definitions: given } = spec.evaluation;
  checkTasks(tasks, given);
  const { names, definitions } = await resolveTasks(tasks, { given, key: "evaluation.tasks" });
  const isEmpty = Object.keys(definitions).length === 0;
  return { ...spec, evaluation: { ...spec.evaluation, tasks: names, ...(isEmpty ? {} : { definitions }) } };
}

function checkTasks(names: readonly string[], definitions?: TaskDefinitions): void {
  const tasks = names.map((name, i) =>
    isTaskName(name) ? taskNamed(name, definitions, `evaluation.tasks[${i}]`).name : name,
  );
  const second = tasks.findIndex((task, i) => tasks.indexOf(task) < i);
  if (second === -1) return;
  throw new TouchstoneError("InvalidStudySpec", {
    what: `evaluation.tasks: has ${tasks[second]} twice, as ${names[tasks.indexOf(tasks[second])]} and ${names[second]}`,
    where: "the study specification",
    todo: "Name it once.",
  });
}

/** @param texts, sources whose windows and given sets must be of the model's tokens */
async function planModel(
  path: string,
  spec: StudySpec,
  texts: readonly CheckedText[],
  sources: readonly CheckedSource[],
): Promise<PlannedModel> {
  const model = await loadModel(path);
  try {
    for (const settings of spec.methods) checkModelSettings(model, settings);
    const tokenizer = await model.tokenizer();
    for (const text of texts) requireWindows(model, tokenizer, text);
    for (const { sets } of sources) for (const [uri, set] of sets) requireTokensOf(model, tokenizer, set, uri);
    return {
      digest: model.digest,
      tokenizer: tokenizer.digest,
      blocks: model.config.blocks,
      parameters: countParameters(model),
    };
  } finally {
    await model.close();
  }
}

async function planTask(name: string, { evaluation }: StudySpec): Promise<PlannedTask> {
  const task = studyTask(evaluation, name);
  const data = await readTaskRecords(evaluation.data ?? "", task);
  // Made once for its checks: a bad record is known before any compute.
  requireEffect(task, askQuestions(task, data));
  const { where, examples } = data;
  return {
    version: task.version,
    records: await contentOf(where),
    ...(examples === undefined ? {} : { examples: await planExamples(examples) }),
    ...(task.perturbed === undefined ? {} : { perturbation: task.perturbed.perturbation.version }),
  };
}

/** Examples that a definition brings are pinned with it. */
async function planExamples({ where, isFile }: Records): Promise<PlannedFile> {
  return isFile ? contentOf(where) : { uri: where, version: DEFINED };
}

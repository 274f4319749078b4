import { sourceFiles } from "../calibration/documents.js";
import { checkModelSettings } from "../compression/linears.js";
import { textWindows } from "../evaluation/perplexity.js";
import { readPerplexityText } from "../evaluation/perplexity-text.js";
import { readTaskRecords } from "../evaluation/records.js";
import { taskOf } from "../evaluation/registry.js";
import { fileDigest } from "../models/digest.js";
import { loadModel } from "../models/load.js";
import { identity } from "../storage/identity.js";
import { type ObjectStore, openStore } from "../storage/store.js";
import { expandCells } from "../study/cells.js";
import { TouchstoneError } from "../study/errors.js";
import type { PlannedFile, PlannedModel, PlannedStudy, StudyPlan } from "../study/plan.js";
import { parseStudySpec, type StudySpec } from "../study/spec.js";
import { sourceVersion } from "./planned-files.js";
import { currentEnvironment, planKey } from "./process-state.js";
import type { StepContext } from "./step.js";

/**
 * Checks a specification and everything that it points to, pins it by digests, and stores the plan.
 * @throws TouchstoneError for everything that would make the study fail later: InvalidStudySpec, UnknownMethod, UnknownTask,
 *   UnknownModel, InvalidModel, InvalidSettings, TokenizerMismatch, InvalidData, StudyNameTaken, StorageDenied
 */
export async function planStudy(input: unknown, { report }: StepContext): Promise<PlannedStudy> {
  const spec = withDefaultBucket(parseStudySpec(input));
  checkTasks(spec.evaluation.tasks);
  const bucket = spec.checkpoints.bucket ?? "";
  const store = openStore({ bucket, prefix: spec.checkpoints.prefix });
  await requireOwnName(store, spec);

  const perplexity: Record<string, PlannedFile> = {};
  const texts = new Map<string, string>();
  for (const { id, path } of spec.evaluation.perplexity) {
    perplexity[id] = await contentOf(path);
    texts.set(id, await readPerplexityText(path));
  }
  const models: Record<string, PlannedModel> = {};
  for (const [i, { id, path }] of spec.models.entries()) {
    report({ stage: `checking model ${id}`, done: i, total: spec.models.length });
    models[id] = await planModel(path, spec, texts);
  }
  const sources: Record<string, { files: PlannedFile[] }> = {};
  for (const { id, path } of spec.sources) sources[id] = { files: await planSource(path) };
  const tasks: Record<string, StudyPlan["tasks"][string]> = {};
  for (const [i, name] of spec.evaluation.tasks.entries()) {
    report({ stage: `checking task ${name}`, done: i, total: spec.evaluation.tasks.length });
    tasks[name] = await planTask(name, spec.evaluation.data ?? "");
  }
  const plan: StudyPlan = { spec, environment: await currentEnvironment(), models, sources, tasks, perplexity };
  const study = { name: spec.name, bucket, prefix: spec.checkpoints.prefix, plan: identity(plan) };
  // Only now: a specification with a mistake in it must not take the name from the one that corrects it.
  if (!(await store.writeNew(specKey(spec), encodeJson(lasting(spec))))) await requireOwnName(store, spec);
  // Written even where it is: a plan that was altered in the store is whole again.
  await store.replace(planKey(study.name, study.plan), encodeJson(plan), "application/json");
  return {
    study,
    models: spec.models.map(({ id }) => ({ id, cells: expandCells(spec, id).length })),
    sources: spec.sources.map(({ id }) => id),
    window: spec.concurrency.cells,
  };
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

/** @throws TouchstoneError UnknownTask; InvalidStudySpec where two names stand for one task */
function checkTasks(names: readonly string[]): void {
  const tasks = names.map((name, i) => taskOf(name, `evaluation.tasks[${i}]`).name);
  const second = tasks.findIndex((task, i) => tasks.indexOf(task) < i);
  if (second === -1) return;
  throw new TouchstoneError("InvalidStudySpec", {
    what: `evaluation.tasks: has ${tasks[second]} twice, as ${names[tasks.indexOf(tasks[second])]} and ${names[second]}`,
    where: "the study specification",
    todo: "Name it once.",
  });
}

function specKey({ name }: StudySpec): string {
  return `v1/study/${name}/spec.json`;
}

/** How many cells run at a time is no part of what a study is. */
function lasting({ concurrency: _, ...rest }: StudySpec): unknown {
  return rest;
}

/** The first specification under a name is the study's. @throws TouchstoneError StudyNameTaken */
async function requireOwnName(store: ObjectStore, spec: StudySpec): Promise<void> {
  const key = specKey(spec);
  const bytes = await store.read(key);
  if (bytes === undefined) return;
  const first = parseJson(bytes);
  if (first === undefined) return store.replace(key, encodeJson(lasting(spec)), "application/json");
  if (identity(first) === identity(lasting(spec))) return;
  throw new TouchstoneError("StudyNameTaken", {
    what: `There is a study ${spec.name} already, and its specification differs (${differingKeys(first, lasting(spec)).join(", ")})`,
    where: `s3://${store.location.bucket}/${key}`,
    todo: "Give this study another name; what both have in common is found and not computed again.",
  });
}

/** undefined: what can't be read was altered, and says nothing. */
function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

function differingKeys(first: unknown, second: unknown): string[] {
  const [a, b] = [first, second] as Record<string, unknown>[];
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].filter((key) => identity(a[key] ?? null) !== identity(b[key] ?? null));
}

/** @param texts whose perplexity is taken; they must fill a window of the model's tokens */
async function planModel(path: string, spec: StudySpec, texts: ReadonlyMap<string, string>): Promise<PlannedModel> {
  const model = await loadModel(path);
  try {
    for (const settings of spec.methods) checkModelSettings(model, settings);
    const tokenizer = await model.tokenizer();
    for (const { id, path: where, length } of spec.evaluation.perplexity) {
      textWindows(texts.get(id) ?? "", tokenizer, length, 1, { where });
    }
    return { digest: model.digest, tokenizer: tokenizer.digest, blocks: model.config.blocks };
  } finally {
    await model.close();
  }
}

async function planSource(path: string): Promise<PlannedFile[]> {
  return Promise.all((await sourceFiles(path)).map(sourceVersion));
}

async function planTask(name: string, data: string) {
  const task = taskOf(name);
  const { records, where } = await readTaskRecords(data, name);
  // Made once for its checks: a bad record is known before any compute.
  task.questions(records, where);
  return { version: task.version, records: await contentOf(where) };
}

async function contentOf(uri: string): Promise<PlannedFile> {
  return { uri, version: await fileDigest(uri) };
}

function encodeJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

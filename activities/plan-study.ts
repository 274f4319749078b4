import { sourceFiles } from "../calibration/documents.js";
import { checkModelSettings } from "../compression/linears.js";
import { readTaskRecords } from "../evaluation/records.js";
import { taskOf } from "../evaluation/registry.js";
import { fileDigest } from "../models/digest.js";
import { loadModel } from "../models/load.js";
import { openFile } from "../storage/files.js";
import { identity } from "../storage/identity.js";
import { type ObjectStore, openStore } from "../storage/store.js";
import { expandCells } from "../study/cells.js";
import { TouchstoneError } from "../study/errors.js";
import type { PlannedFile, PlannedModel, PlannedStudy, StudyPlan } from "../study/plan.js";
import { parseStudySpec, type StudySpec } from "../study/spec.js";
import { currentEnvironment, planKey } from "./process-state.js";
import type { StepContext } from "./step.js";

/**
 * Checks a specification and everything that it points to, pins it by digests, and stores the plan.
 * @throws TouchstoneError for everything that would make the study fail later: InvalidStudySpec, UnknownMethod, UnknownTask,
 *   UnknownModel, InvalidModel, InvalidSettings, TokenizerMismatch, InvalidData, StudyNameTaken, StorageDenied
 */
export async function planStudy(input: unknown, { report }: StepContext): Promise<PlannedStudy> {
  const spec = withDefaultBucket(parseStudySpec(input));
  for (const name of spec.evaluation.tasks) taskOf(name);
  const bucket = spec.checkpoints.bucket ?? "";
  const store = openStore({ bucket, prefix: spec.checkpoints.prefix });
  await claimName(store, spec);

  const models: Record<string, PlannedModel> = {};
  for (const [i, { id, path }] of spec.models.entries()) {
    report({ stage: `checking model ${id}`, done: i, total: spec.models.length });
    models[id] = await planModel(path, spec);
  }
  const sources: Record<string, { files: PlannedFile[] }> = {};
  for (const { id, path } of spec.sources) sources[id] = { files: await planSource(path) };
  const tasks: Record<string, StudyPlan["tasks"][string]> = {};
  for (const [i, name] of spec.evaluation.tasks.entries()) {
    report({ stage: `checking task ${name}`, done: i, total: spec.evaluation.tasks.length });
    tasks[name] = await planTask(name, spec.evaluation.data ?? "");
  }
  const perplexity: Record<string, PlannedFile> = {};
  for (const { id, path } of spec.evaluation.perplexity) perplexity[id] = await contentOf(path);

  const plan: StudyPlan = { spec, environment: await currentEnvironment(), models, sources, tasks, perplexity };
  const study = { name: spec.name, bucket, prefix: spec.checkpoints.prefix, plan: identity(plan) };
  await store.writeNew(planKey(study.name, study.plan), encodeJson(plan));
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

/** The first specification under a name is the study's. How many cells run at a time is no part of what a study is. */
async function claimName(store: ObjectStore, spec: StudySpec): Promise<void> {
  const key = `v1/study/${spec.name}/spec.json`;
  const { concurrency: _, ...lasting } = spec;
  if (await store.writeNew(key, encodeJson(lasting))) return;
  const first = JSON.parse(new TextDecoder().decode(await store.read(key))) as unknown;
  if (identity(first) === identity(lasting)) return;
  throw new TouchstoneError("StudyNameTaken", {
    what: `There is a study ${spec.name} already, and its specification differs (${differingKeys(first, lasting).join(", ")})`,
    where: `s3://${store.location.bucket}/${key}`,
    todo: "Give this study another name; what both have in common is found and not computed again.",
  });
}

function differingKeys(first: unknown, second: unknown): string[] {
  const [a, b] = [first, second] as Record<string, unknown>[];
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].filter((key) => identity(a[key] ?? null) !== identity(b[key] ?? null));
}

async function planModel(path: string, spec: StudySpec): Promise<PlannedModel> {
  const model = await loadModel(path);
  try {
    for (const settings of spec.methods) checkModelSettings(model, settings);
    const tokenizer = await model.tokenizer();
    if (tokenizer.vocabSize > model.config.vocabSize) {
      throw new TouchstoneError("TokenizerMismatch", {
        what: `The tokenizer has ${tokenizer.vocabSize} tokens, but the model's vocabulary has ${model.config.vocabSize}`,
        where: path,
        todo: "Put the model's own tokenizer beside it.",
      });
    }
    return { digest: model.digest, tokenizer: tokenizer.digest, blocks: model.config.blocks };
  } finally {
    await model.close();
  }
}

async function planSource(path: string): Promise<PlannedFile[]> {
  return Promise.all((await sourceFiles(path)).map(versionOf));
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

/** Sources may be large: they aren't read for it. */
async function versionOf(uri: string): Promise<PlannedFile> {
  const file = await openFile(uri);
  await file.close();
  return { uri, version: file.version };
}

function encodeJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

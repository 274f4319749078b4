import { blockLinears } from "../compression/linears.js";
import { withFewShot } from "../evaluation/few-shot.js";
import { type PerplexityInput, readDocuments, readPerplexityInput } from "../evaluation/perplexity-text.js";
import { findTaskRecords, readTaskRecords } from "../evaluation/records.js";
import { studyTask } from "../evaluation/study-task.js";
import type { Task } from "../evaluation/task.js";
import { openGguf } from "../models/gguf.js";
import { parseJson } from "../models/json.js";
import type { ModelConfig } from "../models/model.js";
import { countParameters } from "../models/parameters.js";
import { architectureOf } from "../models/registry.js";
import { fileExists, isS3, joinUri, readFile } from "../storage/files.js";
import { TouchstoneError } from "../study/errors.js";
import { KNOWN_PERPLEXITY_TOKENS, knownModelSize, knownTasks, type ModelSize } from "../study/known-sizes.js";
import type { PriceFacts } from "../study/price.js";
import { recordsATask, type StudySpec, TEXT_WINDOW } from "../study/spec.js";

/** What `priceStudy` needs to know, and in words what of it had to be assumed. */
export interface StudyFacts {
  facts: PriceFacts;
  assumptions: string[];
}

/** English text, and the tokenizers of these models. */
const CHARACTERS_PER_TOKEN = 4;

/**
 * Reads the models' headers and the evaluation's records and texts where they can be reached; no weights are read.
 * @throws TouchstoneError UnknownTask, InvalidData for records that can't be read, UnknownModel where a model can't be reached
 *   and isn't known by its name
 */
export async function studyFacts(spec: StudySpec, rate?: number): Promise<StudyFacts> {
  const assumed: Record<Assumption, string[]> = { models: [], tasks: [], unknownTasks: [], texts: [] };
  const models: Record<string, ModelSize> = {};
  for (const { id, path } of spec.models) models[id] = (await readSize(path)) ?? assumeSize(id, path, assumed.models);
  const evaluationTokens: Record<string, number> = {};
  const { tasks, perplexity, data } = spec.evaluation;
  const limit = recordsATask(spec.evaluation);
  for (const given of tasks) {
    const task = studyTask(spec.evaluation, given);
    const tokens = (await readTaskTokens(data ?? "", task, limit)) ?? assumeTask(task, limit, assumed);
    // An example has about as many tokens as the question after it.
    evaluationTokens[task.name] = tokens * (1 + task.fewShot.count) * (task.perturbed?.variants ?? 1);
  }
  for (const text of perplexity) evaluationTokens[text.id] = await perplexityTokens(text, assumed.texts);
  const assumptions = assumptionNames
    .filter((kind) => assumed[kind].length > 0)
    .map((kind) => `${assumed[kind].join(", ")} can't be reached: ${INSTEAD[kind]}`);
  return { facts: { models, evaluationTokens, rate }, assumptions };
}

/** What is taken instead of what can't be reached. */
const INSTEAD = {
  models: "the published sizes of models of such names are taken",
  tasks: "their records on the hub are taken, records x average tokens",
  unknownTasks: "their tokens are not counted",
  texts: `${KNOWN_PERPLEXITY_TOKENS} tokens are taken, as in WikiText-2`,
} as const;
type Assumption = keyof typeof INSTEAD;
const assumptionNames = Object.keys(INSTEAD) as Assumption[];

async function readSize(path: string): Promise<ModelSize | undefined> {
  const header = path.endsWith(".gguf") ? path : joinUri(path, "config.json");
  if (!(await canReach(header))) return undefined;
  const huggingFace = path.endsWith(".gguf") ? await readGgufConfig(path) : await readConfig(header);
  const architecture = architectureOf(huggingFace, path);
  const config = architecture.readConfig(huggingFace, path);
  const indexes = Array.from({ length: config.blocks }, (_, index) => index);
  const outside = new Map([...architecture.embeddingShapes(config), ...architecture.headShapes(config)]);
  const parameters = countParameters({ architecture, config });
  const linears = indexes.map((index) =>
    blockLinears({ architecture, config }, index).flatMap((group) =>
      group.map(({ rows, columns }) => [rows, columns] as const),
    ),
  );
  const idle = idleWeights(config);
  return {
    parameters,
    ...(idle === 0 ? {} : { active: parameters - idle }),
    outside: Math.max(...Array.from(outside.values(), (shape) => countAll([shape]))),
    hiddenSize: config.hiddenSize,
    blocks: config.blocks,
    // Where only some blocks have experts, or a second attention, one that has.
    linears: linears.reduce((most, block) => (countAll(block) > countAll(most) ? block : most)),
  };
}

/** Weights of the experts that a token isn't routed to: each has a gate, an up and a down projection. */
function idleWeights({ experts, hiddenSize }: ModelConfig): number {
  if (experts === undefined) return 0;
  const { count, perToken, intermediateSize, blocks } = experts;
  return blocks.filter(Boolean).length * (count - perToken) * 3 * hiddenSize * intermediateSize;
}

async function readGgufConfig(path: string): Promise<Readonly<Record<string, unknown>>> {
  const file = await openGguf(path);
  await file.close();
  return file.huggingFace;
}

async function readConfig(uri: string): Promise<Readonly<Record<string, unknown>>> {
  return parseJson(await readFile(uri), uri) as Readonly<Record<string, unknown>>;
}

function countAll(shapes: readonly (readonly number[])[]): number {
  return shapes.reduce((sum, shape) => sum + shape.reduce((product, n) => product * n, 1), 0);
}

function assumeSize(id: string, path: string, assumed: string[]): ModelSize {
  const known = knownModelSize(id) ?? knownModelSize(path);
  if (known === undefined) {
    throw new TouchstoneError("UnknownModel", {
      what: `The model ${id} can't be reached, and its name says no size that is known`,
      where: path,
      todo: "Give the path of its folder (config.json is enough for a plan) or of its .gguf file.",
    });
  }
  assumed.push(id);
  return known;
}

async function readTaskTokens(data: string, task: Task, limit: number | null): Promise<number | undefined> {
  if (isS3(data) && !hasCredentials()) return undefined;
  const uri = await findTaskRecords(data, task).catch(() => undefined);
  if (uri === undefined) return undefined;
  const { records } = await readTaskRecords(data, withFewShot(task, 0));
  const read = records.slice(0, limit ?? records.length);
  return Math.ceil(read.reduce<number>((sum, record) => sum + characters(record), 0) / CHARACTERS_PER_TOKEN);
}

/** Of all texts in a record. */
function characters(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 0;
  return Object.values(value).reduce<number>((sum, item) => sum + characters(item), 0);
}

function assumeTask({ name, files }: Task, limit: number | null, assumed: Record<Assumption, string[]>): number {
  const known = knownTasks[files[0]];
  if (known === undefined) {
    assumed.unknownTasks.push(name);
    return 0;
  }
  const records = Math.min(known.records, limit ?? known.records);
  assumed.tasks.push(`${name} (${records} x ${known.tokensPerRecord})`);
  return records * known.tokensPerRecord;
}

type PerplexityText = StudySpec["evaluation"]["perplexity"][number];

async function perplexityTokens(text: PerplexityText, assumed: string[]): Promise<number> {
  const { id, path, length, limit } = text;
  const isReached = await canReach(path);
  if (text.windows === "rolling" && isReached) {
    const documents = (await readDocuments(path)).slice(0, limit ?? undefined);
    return Math.ceil(documents.reduce((sum, document) => sum + document.length, 0) / CHARACTERS_PER_TOKEN);
  }
  const input = isReached ? await readPerplexityInput(path) : undefined;
  if (input === undefined) assumed.push(id);
  const window = input !== undefined && "windows" in input ? input.windows[0].length : (length ?? TEXT_WINDOW);
  return Math.min(Math.floor(tokensOf(input) / window), limit ?? Number.POSITIVE_INFINITY) * window;
}

function tokensOf(input: PerplexityInput | undefined): number {
  if (input === undefined) return KNOWN_PERPLEXITY_TOKENS;
  return "windows" in input ? input.windows.length * input.windows[0].length : input.text.length / CHARACTERS_PER_TOKEN;
}

async function canReach(uri: string): Promise<boolean> {
  if (isS3(uri) && !hasCredentials()) return false;
  return fileExists(uri).catch(() => false);
}

/** Looking for credentials that aren't there takes the S3 client seconds for each address. */
function hasCredentials(): boolean {
  const names = ["AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"];
  return names.some((name) => process.env[name]);
}

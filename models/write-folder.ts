import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { isS3 } from "../storage/files.js";
import { TouchstoneError } from "../study/errors.js";
import { CONFIG_FILE } from "./load.js";
import type { HostTensor, HostWeights, Model } from "./model.js";
import { INDEX_FILE } from "./safetensors-folder.js";
import { createSafetensors, type SafetensorsWriter } from "./safetensors-write.js";
import { planShards, type Shard } from "./shards.js";
import { tokenizerFilesOf } from "./tokenizer-load.js";

export type FolderDtype = "F32" | "F16" | "BF16";

export interface ModelFolder {
  /** All weights of a block, by their names inside it; blocks in any order. @throws TouchstoneError NumericalError */
  writeBlock(index: number, weights: HostWeights): Promise<void>;
  /** Writes what is outside the blocks and puts the folder in its place. @throws RangeError where a block wasn't written */
  finish(): Promise<void>;
  /** Removes what was written. */
  discard(): Promise<void>;
}

const TORCH_DTYPES: Readonly<Record<FolderDtype, string>> = { F32: "float32", F16: "float16", BF16: "bfloat16" };
/** What may stand in the folder of an earlier model, which is replaced: nothing else is lost by that. */
const MODEL_FILE = /\.(json|safetensors|jinja|model|txt|arrow)$/;
/** What rounds to infinity in binary16. */
const F16_LIMIT = 65520;

/**
 * Starts a Hugging Face folder with new weights for `model`'s blocks, which transformers loads: safetensors of at most 4 GiB,
 * the configuration, and the model's tokenizer. It is written aside, one block in memory at a time, and takes the place of `out`
 * (nothing, an empty folder or an earlier model) only when it is whole.
 * @throws TouchstoneError InvalidSettings where `out` can't be used
 */
export async function createModelFolder(
  model: Model,
  out: string,
  { dtype }: { dtype: FolderDtype },
): Promise<ModelFolder> {
  await checkPlace(model, out);
  const tokenizerFiles = await tokenizerFilesOf(model.path);
  const draft = `${resolve(out)}.partial`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { recursive: true });
  const shards = planShards(model, dtype);
  const writers = new Map<string, SafetensorsWriter>();
  for (const { file, tensors } of shards) {
    writers.set(file, await createSafetensors(join(draft, file), tensors, { format: "pt" }));
  }
  const homes = new Map(shards.flatMap(({ file, tensors }) => tensors.map(({ name }) => [name, file])));
  const missing = new Set(homes.keys());

  const write = async (name: string, { data }: HostTensor) => {
    if (dtype === "F16") checkRange(name, data);
    const file = homes.get(name);
    if (file === undefined) throw new RangeError(`the model has no weight ${name}`);
    await writers.get(file)!.write(name, data);
    missing.delete(name);
  };
  const writeBlock = async (index: number, weights: HostWeights) => {
    for (const [name, tensor] of weights) await write(model.architecture.blockWeightName(index, name), tensor);
  };
  return {
    writeBlock,
    finish: async () => {
      for (const read of [model.embedding, model.head]) {
        for (const [name, tensor] of await read()) if (missing.has(name)) await write(name, tensor);
      }
      if (missing.size > 0) throw new RangeError(`${missing.values().next().value} was not written`);
      for (const writer of writers.values()) await writer.close();
      const config = { ...model.config.huggingFace, dtype: TORCH_DTYPES[dtype], torch_dtype: TORCH_DTYPES[dtype] };
      await writeJson(join(draft, CONFIG_FILE), config);
      if (shards.length > 1) await writeJson(join(draft, INDEX_FILE), indexOf(shards));
      for (const [name, content] of tokenizerFiles) await writeFile(join(draft, name), content);
      await replaceFolder(draft, resolve(out));
    },
    discard: async () => {
      await Promise.allSettled(Array.from(writers.values(), (writer) => writer.close()));
      await rm(draft, { recursive: true, force: true });
    },
  };
}

async function checkPlace(model: Model, out: string): Promise<void> {
  const unusable = (what: string, todo: string, cause?: unknown) =>
    new TouchstoneError("InvalidSettings", { what, where: out, todo }, { cause });
  if (isS3(out)) throw unusable("Model folders are written to local disks only", "Name a local folder.");
  if (!isS3(model.path) && resolve(out) === resolve(model.path)) {
    throw unusable("The new folder would take the place of the model that is read", "Name another folder.");
  }
  const entries = await readdir(out, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return [];
    throw unusable("This is no folder", "Name another one.", cause);
  });
  const isModel = entries.some(({ name }) => name === CONFIG_FILE);
  const foreign = entries.find((entry) => !isModel || !entry.isFile() || !MODEL_FILE.test(entry.name));
  if (foreign === undefined) return;
  throw unusable(
    `The folder has ${foreign.name}, and would be replaced by the new model`,
    "Name another folder, or empty this one.",
  );
}

function checkRange(name: string, data: Float32Array): void {
  if (data.every((value) => Math.abs(value) < F16_LIMIT)) return;
  throw new TouchstoneError("NumericalError", {
    what: "The weight has values that float16 can't hold",
    where: `tensor ${name}`,
    todo: "Write bfloat16 or float32.",
  });
}

function indexOf(shards: readonly Shard[]) {
  return {
    metadata: { total_size: shards.reduce((sum, { bytes }) => sum + bytes, 0) },
    weight_map: Object.fromEntries(shards.flatMap(({ file, tensors }) => tensors.map(({ name }) => [name, file]))),
  };
}

async function writeJson(path: string, json: unknown): Promise<void> {
  await writeFile(path, `${JSON.stringify(json, null, 2)}\n`);
}

/** An earlier model stays until the new one is whole, and comes back where putting that in its place fails. */
async function replaceFolder(draft: string, out: string): Promise<void> {
  const earlier = `${out}.replaced`;
  await rm(earlier, { recursive: true, force: true });
  const existed = await rename(out, earlier).then(
    () => true,
    () => false,
  );
  try {
    await rename(draft, out);
  } catch (error) {
    if (existed) await rename(earlier, out);
    throw error;
  }
  await rm(earlier, { recursive: true, force: true });
}

import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileExists, joinUri, readFile } from "../storage/files.js";
import { TouchstoneError } from "../study/errors.js";
import { floatKeys, formatJson } from "./json.js";
import { CONFIG_FILE } from "./load.js";
import type { HostWeights, Model } from "./model.js";
import { checkPlace } from "./model-place.js";
import {
  createSafetensors,
  type SafetensorsWriter,
  type TensorLayout,
  type WritableData,
} from "./safetensors-write.js";
import { planShards, type Shard, weightLayout } from "./shards.js";
import { tokenizerFilesOf } from "./tokenizer-load.js";
import { INDEX_FILE } from "./weight-folder.js";

export type FolderDtype = "F32" | "F16" | "BF16";

export interface ModelFolder {
  /** All weights of a block, by their names inside it; blocks in any order. @throws TouchstoneError NumericalError */
  writeBlock(index: number, weights: HostWeights): Promise<void>;
  /** A tensor of the layout, by its full name. @throws TouchstoneError NumericalError */
  write(name: string, data: WritableData): Promise<void>;
  /** A file beside the weights: what the model was made of. @param name may have a folder before it */
  writeFile(name: string, content: string | Uint8Array): Promise<void>;
  /** Writes what is outside the blocks and puts the folder in its place. @throws RangeError where a block wasn't written */
  finish(): Promise<void>;
  /** Removes what was written. */
  discard(): Promise<void>;
}

export interface ModelFolderOptions {
  dtype: FolderDtype;
  /** The tensors in the files; by default the model's weights in `dtype`. */
  layout?: readonly TensorLayout[];
  /** More keys of the configuration. */
  config?: Readonly<Record<string, unknown>>;
}

const TORCH_DTYPES: Readonly<Record<FolderDtype, string>> = { F32: "float32", F16: "float16", BF16: "bfloat16" };
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
  { dtype, layout = weightLayout(model, dtype), config = {} }: ModelFolderOptions,
): Promise<ModelFolder> {
  await checkPlace(model.path, out);
  const tokenizerFiles = await tokenizerFilesOf(model.path);
  const floats = await floatsOf(model.path);
  const draft = `${resolve(out)}.partial`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { recursive: true });
  const shards = planShards(layout);
  const writers = new Map<string, SafetensorsWriter>();
  for (const { file, tensors } of shards) {
    writers.set(file, await createSafetensors(join(draft, file), tensors, { format: "pt" }));
  }
  const homes = new Map(
    shards.flatMap(({ file, tensors }) => tensors.map(({ name, dtype }) => [name, { file, dtype }] as const)),
  );
  const missing = new Set(homes.keys());

  const write = async (name: string, data: WritableData) => {
    const home = homes.get(name);
    if (home === undefined) throw new RangeError(`the model has no weight ${name}`);
    if (home.dtype === "F16" && data instanceof Float32Array) checkRange(name, data);
    await writers.get(home.file)!.write(name, data);
    missing.delete(name);
  };
  const writeBlock = async (index: number, weights: HostWeights) => {
    for (const [name, { data }] of weights)
      await write(model.architecture.blockWeightName(model.config, index, name), data);
  };
  return {
    writeBlock,
    write,
    writeFile: async (name, content) => {
      await mkdir(dirname(join(draft, name)), { recursive: true });
      await writeFile(join(draft, name), content);
    },
    finish: async () => {
      for (const read of [model.embedding, model.head]) {
        for (const [name, { data }] of await read()) if (missing.has(name)) await write(name, data);
      }
      if (missing.size > 0) throw new RangeError(`${missing.values().next().value} was not written`);
      for (const writer of writers.values()) await writer.close();
      const type = TORCH_DTYPES[dtype];
      const json = { ...model.config.huggingFace, ...config, dtype: type, torch_dtype: type };
      await writeFile(join(draft, CONFIG_FILE), formatJson(json, floats));
      if (shards.length > 1) await writeFile(join(draft, INDEX_FILE), formatJson(indexOf(shards)));
      for (const [name, content] of tokenizerFiles) await writeFile(join(draft, name), content);
      await replaceFolder(draft, resolve(out));
    },
    discard: async () => {
      await Promise.allSettled(Array.from(writers.values(), (writer) => writer.close()));
      await rm(draft, { recursive: true, force: true });
    },
  };
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

/** Of the model's configuration, where it has one: transformers takes no integer for some of them. */
async function floatsOf(path: string): Promise<ReadonlySet<string>> {
  const uri = joinUri(path, CONFIG_FILE);
  return (await fileExists(uri)) ? floatKeys(new TextDecoder().decode(await readFile(uri))) : new Set();
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

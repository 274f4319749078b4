import { z } from "zod";
import { fileExists, joinUri, readFile } from "../storage/files.js";
import { TouchstoneError } from "../study/errors.js";
import { parseJson } from "./json.js";
import { openPytorch, readPytorchTensor } from "./pytorch.js";
import { openSafetensors, readTensor } from "./safetensors.js";
import { type FloatTensor, type IntegerTensor, isWeightDtype, weightValues } from "./tensor-values.js";
import type { StoredTensor, WeightSource } from "./weights.js";

export const SINGLE_FILE = "model.safetensors";
export const INDEX_FILE = "model.safetensors.index.json";

export interface WeightFolder extends WeightSource {
  /** Of the weights, beside the configuration. */
  readonly files: readonly string[];
  /** In its own type. `name` is one of `tensors`. @throws TouchstoneError InvalidModel for types that aren't read */
  readTensor(name: string): Promise<FloatTensor | IntegerTensor>;
}

/** An open file of weights. */
interface WeightFile {
  readonly tensors: ReadonlyMap<string, { dtype: string; shape: readonly number[] }>;
  read(name: string): Promise<FloatTensor | IntegerTensor>;
  close(): Promise<void>;
}

/** How a folder names and stores weights: all in one file, or in shards with an index. */
interface FolderFormat {
  single: string;
  index: string;
  /** Names of shards, which lie beside the index. */
  shard: RegExp;
  /** @throws TouchstoneError InvalidModel */
  open(uri: string): Promise<WeightFile>;
}

/** Where a folder has several, the first is read, as by transformers. */
const FORMATS: readonly FolderFormat[] = [
  { single: SINGLE_FILE, index: INDEX_FILE, shard: /^[^/\\]+\.safetensors$/, open: openSafetensorsWeights },
  {
    single: "pytorch_model.bin",
    index: "pytorch_model.bin.index.json",
    shard: /^[^/\\]+\.bin$/,
    open: openPytorchWeights,
  },
];

/** A tensor's file, and its name there. */
interface Home {
  file: WeightFile;
  stored: string;
}

/**
 * The weights of a Hugging Face folder, local or `s3://`.
 * @param base what names begin with but the head's: files of a model that was saved without its head (OPT 6.7B, 13B and 30B, BLOOM)
 *   leave it out
 * @throws TouchstoneError InvalidModel for missing, empty, truncated or corrupt files
 */
export async function openWeightFolder(folder: string, base: string): Promise<WeightFolder> {
  const { format, weightMap } = await findFormat(folder);
  const names = weightMap === undefined ? [format.single] : Array.from(new Set(weightMap.values())).sort();
  const files = new Map<string, WeightFile>();
  const close = async () => {
    await Promise.all(Array.from(files.values(), (file) => file.close()));
  };
  try {
    for (const name of names) files.set(name, await openShard(joinUri(folder, name), format));
    const homes = withBase(homesOf(folder, files, weightMap), base);
    const tensors = new Map(
      Array.from(homes, ([name, { file, stored }]) => {
        return [name, storedTensor(name, file.tensors.get(stored)!, homes)] as const;
      }),
    );
    const readTensor = (name: string) => {
      const { file, stored } = homes.get(name)!;
      return file.read(stored);
    };
    return {
      where: folder,
      files: names,
      tensors,
      read: async (name) => {
        const tensor = await readTensor(name);
        return { shape: tensor.shape, data: weightValues(tensor, `${folder}, tensor ${name}`) };
      },
      readTensor,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openSafetensorsWeights(uri: string): Promise<WeightFile> {
  const { file, tensors } = await openSafetensors(uri);
  return {
    tensors,
    read: (name) => readTensor(file, name, tensors.get(name)!),
    close: () => file.close(),
  };
}

async function openPytorchWeights(uri: string): Promise<WeightFile> {
  const { file, tensors } = await openPytorch(uri);
  return {
    tensors,
    read: (name) => readPytorchTensor(file, name, tensors.get(name)!),
    close: () => file.close(),
  };
}

/** The weight map: the file of each tensor; none where all are in one file. */
async function findFormat(folder: string): Promise<{ format: FolderFormat; weightMap?: ReadonlyMap<string, string> }> {
  for (const format of FORMATS) {
    if (await fileExists(joinUri(folder, format.single))) return { format };
    const index = joinUri(folder, format.index);
    if (await fileExists(index)) return { format, weightMap: await readIndex(index, format) };
  }
  throw new TouchstoneError("InvalidModel", {
    what: `The folder has neither ${FORMATS.flatMap(({ single, index }) => [single, index]).join(" nor ")}`,
    where: folder,
    todo: "Where a model has other files alone, convert it to safetensors first.",
  });
}

async function readIndex(uri: string, { shard }: FolderFormat): Promise<ReadonlyMap<string, string>> {
  const schema = z.object({ weight_map: z.record(z.string(), z.string().regex(shard)) });
  const parsed = schema.safeParse(parseJson(await readFile(uri), uri));
  if (parsed.success) return new Map(Object.entries(parsed.data.weight_map));
  throw new TouchstoneError("InvalidModel", {
    what: "The index needs `weight_map`, from tensor names to files beside it",
    where: uri,
    todo: "Fetch it again.",
  });
}

/** A shard that isn't there makes the model invalid, not the data. */
async function openShard(uri: string, { open }: FolderFormat): Promise<WeightFile> {
  if (await fileExists(uri)) return open(uri);
  throw new TouchstoneError("InvalidModel", {
    what: "A file that the index names is missing",
    where: uri,
    todo: "Fetch the model again.",
  });
}

/** The file that holds each tensor. */
function homesOf(
  folder: string,
  files: ReadonlyMap<string, WeightFile>,
  weightMap: ReadonlyMap<string, string> | undefined,
): ReadonlyMap<string, WeightFile> {
  const homes = new Map<string, WeightFile>();
  if (weightMap === undefined) {
    for (const file of files.values()) for (const name of file.tensors.keys()) homes.set(name, file);
    return homes;
  }
  for (const [name, shard] of weightMap) {
    const file = files.get(shard);
    if (file?.tensors.has(name) !== true) {
      throw new TouchstoneError("InvalidModel", {
        what: `The index places the tensor in ${shard}, which doesn't have it`,
        where: `${folder}, tensor ${name}`,
        todo: "Fetch the model again.",
      });
    }
    homes.set(name, file);
  }
  return homes;
}

function withBase(homes: ReadonlyMap<string, WeightFile>, base: string): ReadonlyMap<string, Home> {
  const isWhole = Array.from(homes.keys()).some((name) => name.startsWith(`${base}.`));
  return new Map(
    Array.from(homes, ([stored, file]) => [isWhole ? stored : `${base}.${stored}`, { file, stored }] as const),
  );
}

/** What quantizers of 8 bits put beside a `weight`: without it the weight isn't what it stands for. */
const SCALES = ["weight_scale", "weight_scale_inv", "scale_weight", "SCB"];

function storedTensor(
  name: string,
  { dtype, shape }: { dtype: string; shape: readonly number[] },
  others: ReadonlyMap<string, unknown>,
): StoredTensor {
  const isCode = dtype === "I8" || dtype.startsWith("F8_");
  const scale = isCode && SCALES.map((scale) => name.replace(/weight$/, scale)).find((scale) => others.has(scale));
  if (typeof scale === "string") return { shape, dtype: `${dtype} with ${scale} beside it`, readable: false };
  return { shape, dtype, readable: isWeightDtype(dtype) };
}

import { z } from "zod";
import { fileExists, joinUri, readFile } from "../storage/files.js";
import { TouchstoneError } from "../study/errors.js";
import { parseJson } from "./json.js";
import {
  type FloatTensor,
  type IntegerTensor,
  isFloat,
  openSafetensors,
  readFloats,
  readTensor,
  type SafetensorsFile,
} from "./safetensors.js";
import type { StoredTensor, WeightSource } from "./weights.js";

export const SINGLE_FILE = "model.safetensors";
export const INDEX_FILE = "model.safetensors.index.json";

/** `weight_map`: file of each tensor. Shards lie beside the index. */
const indexSchema = z.object({ weight_map: z.record(z.string(), z.string().regex(/^[^/\\]+\.safetensors$/)) });

export interface SafetensorsFolder extends WeightSource {
  /** Of the weights, beside the configuration. */
  readonly files: readonly string[];
  /** In its own type. `name` is one of `tensors`. @throws TouchstoneError InvalidModel for types that aren't read */
  readTensor(name: string): Promise<FloatTensor | IntegerTensor>;
}

/**
 * The weights of a Hugging Face folder, local or `s3://`: one `model.safetensors`, or shards with an index.
 * @throws TouchstoneError InvalidModel for missing, empty, truncated or corrupt files
 */
export async function openSafetensorsFolder(folder: string): Promise<SafetensorsFolder> {
  const weightMap = await readIndex(folder);
  const names = weightMap === undefined ? [SINGLE_FILE] : Array.from(new Set(weightMap.values())).sort();
  const files = new Map<string, SafetensorsFile>();
  const close = async () => {
    await Promise.all(Array.from(files.values(), ({ file }) => file.close()));
  };
  try {
    for (const name of names) files.set(name, await openShard(joinUri(folder, name)));
    const homes = homesOf(folder, files, weightMap);
    const tensors = new Map<string, StoredTensor>();
    for (const [name, home] of homes) {
      const entry = home.tensors.get(name)!;
      tensors.set(name, { shape: entry.shape, dtype: entry.dtype, readable: isFloat(entry.dtype) });
    }
    return {
      where: folder,
      files: names,
      tensors,
      read: (name) => {
        const { file, tensors } = homes.get(name)!;
        return readFloats(file, name, tensors.get(name)!);
      },
      readTensor: (name) => {
        const { file, tensors } = homes.get(name)!;
        return readTensor(file, name, tensors.get(name)!);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function readIndex(folder: string): Promise<ReadonlyMap<string, string> | undefined> {
  const uri = joinUri(folder, INDEX_FILE);
  if (await fileExists(joinUri(folder, SINGLE_FILE))) return undefined;
  if (!(await fileExists(uri))) {
    throw new TouchstoneError("InvalidModel", {
      what: `The folder has neither ${SINGLE_FILE} nor ${INDEX_FILE}`,
      where: folder,
      todo: "Only safetensors are read: where a model has other files alone (pytorch_model.bin), convert it first.",
    });
  }
  const parsed = indexSchema.safeParse(parseJson(await readFile(uri), uri));
  if (!parsed.success) {
    throw new TouchstoneError("InvalidModel", {
      what: "The index needs `weight_map`, from tensor names to files beside it",
      where: uri,
      todo: "Fetch it again.",
    });
  }
  return new Map(Object.entries(parsed.data.weight_map));
}

/** A shard that isn't there makes the model invalid, not the data. */
async function openShard(uri: string): Promise<SafetensorsFile> {
  if (!(await fileExists(uri))) {
    throw new TouchstoneError("InvalidModel", {
      what: "A file that the index names is missing",
      where: uri,
      todo: "Fetch the model again.",
    });
  }
  return openSafetensors(uri);
}

/** The file that holds each tensor. */
function homesOf(
  folder: string,
  files: ReadonlyMap<string, SafetensorsFile>,
  weightMap: ReadonlyMap<string, string> | undefined,
): ReadonlyMap<string, SafetensorsFile> {
  const homes = new Map<string, SafetensorsFile>();
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

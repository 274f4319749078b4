import type { Model } from "./model.js";
import { SINGLE_FILE } from "./safetensors-folder.js";
import { DTYPE_BYTES } from "./safetensors-header.js";
import type { TensorLayout, WritableDtype } from "./safetensors-write.js";

const SHARD_BYTES = 4 * 2 ** 30;

/** One safetensors file of a folder. */
export interface Shard {
  file: string;
  tensors: readonly TensorLayout[];
  bytes: number;
}

/** Where each of a model's weights goes: in the model's order, in as few files of at most `limit` bytes as that takes. */
export function planShards(model: Model, dtype: WritableDtype, limit = SHARD_BYTES): readonly Shard[] {
  const files: { tensors: TensorLayout[]; bytes: number }[] = [{ tensors: [], bytes: 0 }];
  for (const [name, shape] of weightShapes(model)) {
    const bytes = shape.reduce((product, size) => product * size, DTYPE_BYTES[dtype]);
    const last = files.at(-1)!;
    const fits = last.tensors.length === 0 || last.bytes + bytes <= limit;
    const file = fits ? last : { tensors: [], bytes: 0 };
    if (!fits) files.push(file);
    file.tensors.push({ name, dtype, shape });
    file.bytes += bytes;
  }
  if (files.length === 1) return [{ file: SINGLE_FILE, ...files[0] }];
  const number = (n: number) => String(n).padStart(5, "0");
  return files.map((file, i) => ({ file: `model-${number(i + 1)}-of-${number(files.length)}.safetensors`, ...file }));
}

/** Every weight once, by its full name: tied embeddings stand under the embedding's. */
function weightShapes({ architecture, config }: Model): ReadonlyMap<string, readonly number[]> {
  const blocks = Array.from({ length: config.blocks }, (_, index) =>
    Array.from(architecture.blockShapes(config), ([name, shape]) => {
      return [architecture.blockWeightName(index, name), shape] as const;
    }),
  );
  return new Map([...architecture.embeddingShapes(config), ...blocks.flat(), ...architecture.headShapes(config)]);
}

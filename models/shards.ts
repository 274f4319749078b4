import type { Model } from "./model.js";
import type { TensorLayout, WritableDtype } from "./safetensors-write.js";
import { DTYPE_BYTES } from "./tensor-values.js";
import { SINGLE_FILE } from "./weight-folder.js";

const SHARD_BYTES = 4 * 2 ** 30;

/** One safetensors file of a folder. */
export interface Shard {
  file: string;
  tensors: readonly TensorLayout[];
  bytes: number;
}

/** Where each tensor goes: in the given order, in as few files of at most `limit` bytes as that takes. */
export function planShards(layout: Iterable<TensorLayout>, limit = SHARD_BYTES): readonly Shard[] {
  const files: { tensors: TensorLayout[]; bytes: number }[] = [{ tensors: [], bytes: 0 }];
  for (const tensor of layout) {
    const bytes = tensor.shape.reduce((product, size) => product * size, DTYPE_BYTES[tensor.dtype]);
    const last = files.at(-1)!;
    const fits = last.tensors.length === 0 || last.bytes + bytes <= limit;
    const file = fits ? last : { tensors: [], bytes: 0 };
    if (!fits) files.push(file);
    file.tensors.push(tensor);
    file.bytes += bytes;
  }
  if (files.length === 1) return [{ file: SINGLE_FILE, ...files[0] }];
  const number = (n: number) => String(n).padStart(5, "0");
  return files.map((file, i) => ({ file: `model-${number(i + 1)}-of-${number(files.length)}.safetensors`, ...file }));
}

/** Every weight once, in the model's order, by its full name: tied embeddings stand under the embedding's. */
export function weightLayout({ architecture, config }: Model, dtype: WritableDtype): TensorLayout[] {
  const blocks = Array.from({ length: config.blocks }, (_, index) =>
    Array.from(architecture.blockShapes(config, index), ([name, shape]) => {
      return [architecture.blockWeightName(config, index, name), shape] as const;
    }),
  );
  const shapes = new Map([
    ...architecture.embeddingShapes(config),
    ...blocks.flat(),
    ...architecture.headShapes(config),
  ]);
  return Array.from(shapes, ([name, shape]) => ({ name, dtype, shape }));
}

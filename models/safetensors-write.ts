import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { encodeBfloat16, encodeFloat16 } from "../tensor/float16.js";
import { DTYPE_BYTES } from "./tensor-values.js";

export type WritableDtype = "F32" | "F16" | "BF16" | "I32" | "I64" | "U8";
export type WritableData = Float32Array | Int32Array | BigInt64Array | Uint8Array;

export interface TensorLayout {
  name: string;
  dtype: WritableDtype;
  shape: readonly number[];
}

/** A safetensors file whose tensors arrive one at a time, in any order. */
export interface SafetensorsWriter {
  /** Float32 values are rounded to the tensor's type. */
  write(name: string, data: WritableData): Promise<void>;
  /** The file is whole only after this. */
  close(): Promise<void>;
}

/**
 * Starts a local file: its header is written at once, from `layout`.
 * @throws RangeError from `write` for a tensor that isn't in the layout, or of another size
 */
export async function createSafetensors(
  path: string,
  layout: readonly TensorLayout[],
  metadata: Readonly<Record<string, string>> = {},
): Promise<SafetensorsWriter> {
  const places = new Map<string, { offset: number; bytes: number; dtype: WritableDtype }>();
  const header: Record<string, unknown> = Object.keys(metadata).length === 0 ? {} : { __metadata__: metadata };
  let end = 0;
  for (const { name, dtype, shape } of layout) {
    const bytes = shape.reduce((product, size) => product * size, DTYPE_BYTES[dtype]);
    places.set(name, { offset: end, bytes, dtype });
    header[name] = { dtype, shape, data_offsets: [end, end + bytes] };
    end += bytes;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  // Spaces up to a multiple of 8, so that readers can map the tensors where they lie.
  const start = 8 + Math.ceil(json.length / 8) * 8;
  const head = new Uint8Array(start).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(start - 8), true);
  head.set(json, 8);

  const file = await open(path, "w");
  await file.write(head, 0, head.length, 0);
  return {
    write: async (name, data) => {
      const place = places.get(name);
      const content = encode(data, place?.dtype);
      if (place === undefined || content.length !== place.bytes) throw new RangeError(`${name} is not as laid out`);
      for (let done = 0; done < content.length; ) {
        const length = Math.min(content.length - done, 1 << 30);
        done += (await file.write(content, done, length, start + place.offset + done)).bytesWritten;
      }
    },
    close: async () => {
      await file.sync();
      await file.close();
    },
  };
}

/** Writes a local file of tensors that are all in memory; float32 stays float32. It appears only when it is whole. */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, { shape: readonly number[]; data: WritableData }>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const layout = Array.from(tensors, ([name, { shape, data }]) => ({ name, shape, dtype: dtypeOf(data) }));
  const draft = `${path}.partial`;
  await mkdir(dirname(path), { recursive: true });
  try {
    const writer = await createSafetensors(draft, layout, metadata);
    try {
      for (const [name, { data }] of tensors) await writer.write(name, data);
    } finally {
      await writer.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

function dtypeOf(data: WritableData): WritableDtype {
  if (data instanceof Float32Array) return "F32";
  if (data instanceof Int32Array) return "I32";
  return data instanceof BigInt64Array ? "I64" : "U8";
}

function encode(data: WritableData, dtype: WritableDtype | undefined): Uint8Array {
  if (data instanceof Float32Array && dtype === "F16") return bytesOf(encodeFloat16(data));
  if (data instanceof Float32Array && dtype === "BF16") return bytesOf(encodeBfloat16(data));
  return bytesOf(data);
}

function bytesOf(data: WritableData | Uint16Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Writes small GGUF files (version 3) byte by byte, after the format's own description. */

export interface GgufTensor {
  name: string;
  /** Row-major, as elsewhere in this project. */
  shape: readonly number[];
  type: number;
  bytes: Uint8Array;
  /** In place of the right offset, to make broken files. */
  offset?: number;
}

export type MetadataValue = string | number | boolean | readonly string[] | readonly number[];

const [UINT32, FLOAT32, BOOL, STRING, ARRAY] = [4, 6, 7, 8, 9];
const ALIGNMENT = 32;

export function encodeGguf(
  metadata: Readonly<Record<string, MetadataValue>>,
  tensors: readonly GgufTensor[],
  version = 3,
): Uint8Array {
  const entries = Object.entries(metadata);
  let offset = 0;
  const infos = tensors.map((tensor) => {
    const info = encodeInfo(tensor, tensor.offset ?? offset);
    offset += padded(tensor.bytes.length);
    return info;
  });
  const header = join([
    text("GGUF"),
    uint32(version),
    uint64(tensors.length),
    uint64(entries.length),
    ...entries.flatMap(([key, value]) => [string(key), encodeValue(value)]),
    ...infos,
  ]);
  return join([header, ...tensors.map(({ bytes }) => bytes)].map(pad));
}

export function floatBytes(values: readonly number[] | Float32Array): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}

function encodeInfo({ name, shape, type }: GgufTensor, offset: number): Uint8Array {
  return join([string(name), uint32(shape.length), ...shape.toReversed().map(uint64), uint32(type), uint64(offset)]);
}

function encodeValue(value: MetadataValue): Uint8Array {
  if (typeof value === "string") return join([uint32(STRING), string(value)]);
  if (typeof value === "boolean") return join([uint32(BOOL), Uint8Array.of(value ? 1 : 0)]);
  if (typeof value === "number") return join([uint32(numberType(value)), number(value)]);
  const items: readonly (string | number)[] = value;
  const type = items.every((item) => typeof item === "string") ? STRING : FLOAT32;
  const encoded = items.map((item) => (typeof item === "string" ? string(item) : floatBytes([item])));
  return join([uint32(ARRAY), uint32(type), uint64(items.length), ...encoded]);
}

function numberType(value: number): number {
  return Number.isInteger(value) && value >= 0 ? UINT32 : FLOAT32;
}

function number(value: number): Uint8Array {
  return numberType(value) === UINT32 ? uint32(value) : floatBytes([value]);
}

function string(value: string): Uint8Array {
  const bytes = text(value);
  return join([uint64(bytes.length), bytes]);
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function uint32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

function uint64(value: number): Uint8Array {
  return new Uint8Array(BigUint64Array.of(BigInt(value)).buffer);
}

function padded(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT;
}

function pad(bytes: Uint8Array): Uint8Array {
  return join([bytes, new Uint8Array(padded(bytes.length) - bytes.length)]);
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

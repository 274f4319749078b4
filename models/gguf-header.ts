import type { DataFile } from "../storage/files.js";
import { TouchstoneError } from "../study/errors.js";
import { BLOCK_FORMATS } from "./gguf-blocks.js";

export type GgufValue = number | bigint | boolean | string | readonly GgufValue[];
export type GgufMetadata = ReadonlyMap<string, GgufValue>;

export interface GgufEntry {
  /** Row-major: the reverse of the file's order of dimensions. */
  shape: readonly number[];
  /** ggml type number. */
  type: number;
  /** Position in the file, bytes. */
  offset: number;
  bytes: number;
}

export interface GgufHeader {
  metadata: GgufMetadata;
  tensors: ReadonlyMap<string, GgufEntry>;
}

const FIRST_READ = 4 << 20;
/** Vocabularies of 256,000 tokens with their merges take 20 MB; no real header comes near this. */
const MAX_HEADER_BYTES = 512 << 20;
const MAX_DIMENSIONS = 4;
const MAX_NESTING = 4;

/** Thrown by the cursor where the bytes at hand end before the header does. */
class NeedsMore extends Error {}

/**
 * Reads and validates the header of a GGUF file of version 2 or 3, little-endian.
 * Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 * @throws TouchstoneError InvalidModel for a file that is empty, truncated, corrupt, or of another version
 */
export async function readGgufHeader(file: DataFile): Promise<GgufHeader> {
  const limit = Math.min(file.size, MAX_HEADER_BYTES);
  for (let length = Math.min(FIRST_READ, limit); ; length = Math.min(length * 4, limit)) {
    const bytes = await file.read(0, length);
    try {
      return parseHeader(new Cursor(bytes, file), file);
    } catch (error) {
      if (!(error instanceof NeedsMore)) throw error;
      if (length === limit) throw broken(file.uri, "The file ends inside its header; it is truncated");
    }
  }
}

function parseHeader(cursor: Cursor, file: DataFile): GgufHeader {
  if (file.size < 4 || cursor.text(4) !== "GGUF") throw broken(file.uri, "The file doesn't start as GGUF files do");
  const version = cursor.uint32();
  if (version !== 2 && version !== 3) throw broken(file.uri, `GGUF version ${version} is not supported, 2 and 3 are`);
  const tensorCount = cursor.count(24);
  const valueCount = cursor.count(13);
  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < valueCount; i++) {
    const key = cursor.string();
    metadata.set(key, cursor.value(cursor.uint32(), 0));
  }
  const alignment = metadata.get("general.alignment") ?? 32;
  if (typeof alignment !== "number" || !Number.isInteger(alignment) || alignment < 1) {
    throw broken(file.uri, "general.alignment must be a positive number");
  }
  const infos = Array.from({ length: tensorCount }, () => cursor.tensorInfo());
  const start = Math.ceil(cursor.position / alignment) * alignment;
  return { metadata, tensors: placeTensors(infos, start, alignment, file) };
}

interface TensorInfo {
  name: string;
  shape: readonly number[];
  type: number;
  offset: number;
}

/** Offsets from the file's start, checked against the file's size and one another. */
function placeTensors(
  infos: readonly TensorInfo[],
  start: number,
  alignment: number,
  file: DataFile,
): ReadonlyMap<string, GgufEntry> {
  const tensors = new Map<string, GgufEntry>();
  let end = start;
  for (const { name, shape, type, offset } of infos.toSorted((a, b) => a.offset - b.offset)) {
    const where = `${file.uri}, tensor ${name}`;
    const bytes = storedBytes(shape, type, where);
    const position = start + offset;
    if (tensors.has(name)) throw broken(where, "The tensor is listed twice");
    if (offset % alignment !== 0) throw broken(where, `Offset ${offset} is not a multiple of ${alignment}`);
    if (position < end) throw broken(where, "The tensor overlaps another one");
    end = position + bytes;
    if (end > file.size) {
      throw broken(where, `The file is truncated: it has ${file.size} bytes, but the tensor ends at byte ${end}`);
    }
    tensors.set(name, { shape, type, offset: position, bytes });
  }
  return tensors;
}

/** 0 for types that can't be read: their layout isn't known here. */
function storedBytes(shape: readonly number[], type: number, where: string): number {
  const format = BLOCK_FORMATS.get(type);
  const elements = shape.reduce((product, size) => product * size, 1);
  if (!Number.isSafeInteger(elements)) throw broken(where, `Shape [${shape}] is not possible`);
  if (format === undefined) return 0;
  const row = shape.at(-1) ?? 1;
  if (row % format.values !== 0) {
    throw broken(where, `Rows of ${row} values don't divide into ${format.name} blocks of ${format.values}`);
  }
  return (elements / format.values) * format.bytes;
}

/** Reads on through the bytes at hand; lengths that go beyond the file itself are errors, whatever was asked. */
class Cursor {
  position = 0;
  readonly #view: DataView;

  constructor(
    readonly bytes: Uint8Array,
    readonly file: DataFile,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** A length or offset: 64 bits, but no file is longer than 2^53 bytes. */
  uint64(): number {
    const value = Number(this.#view.getBigUint64(this.#take(8), true));
    if (!Number.isSafeInteger(value)) throw broken(this.file.uri, "A length in the header is not possible");
    return value;
  }

  /** A number of items of at least `itemBytes` each. */
  count(itemBytes: number): number {
    const count = this.uint64();
    if (count * itemBytes > this.file.size - this.position) {
      throw broken(this.file.uri, `The header announces ${count} items, more than the file can hold`);
    }
    return count;
  }

  text(length: number): string {
    const start = this.#take(length);
    return utf8.decode(this.bytes.subarray(start, start + length));
  }

  string(): string {
    return this.text(this.count(1));
  }

  /** A metadata value of the given GGUF value type. */
  value(type: number, depth: number): GgufValue {
    switch (type) {
      case 0:
        return this.#view.getUint8(this.#take(1));
      case 1:
        return this.#view.getInt8(this.#take(1));
      case 2:
        return this.#view.getUint16(this.#take(2), true);
      case 3:
        return this.#view.getInt16(this.#take(2), true);
      case 4:
        return this.uint32();
      case 5:
        return this.#view.getInt32(this.#take(4), true);
      case 6:
        return this.#view.getFloat32(this.#take(4), true);
      case 7:
        return this.#view.getUint8(this.#take(1)) !== 0;
      case 8:
        return this.string();
      case 9:
        return this.#array(depth + 1);
      case 10:
        return this.#view.getBigUint64(this.#take(8), true);
      case 11:
        return this.#view.getBigInt64(this.#take(8), true);
      case 12:
        return this.#view.getFloat64(this.#take(8), true);
      default:
        throw broken(this.file.uri, `The header has a value of the unknown type ${type}`);
    }
  }

  #array(depth: number): GgufValue[] {
    if (depth > MAX_NESTING) throw broken(this.file.uri, `The header nests lists more than ${MAX_NESTING} deep`);
    const type = this.uint32();
    const items: GgufValue[] = [];
    for (let left = this.count(1); left > 0; left--) items.push(this.value(type, depth));
    return items;
  }

  tensorInfo(): TensorInfo {
    const name = this.string();
    const dimensions = this.uint32();
    if (dimensions > MAX_DIMENSIONS) {
      throw broken(`${this.file.uri}, tensor ${name}`, `A tensor of ${dimensions} dimensions is not possible`);
    }
    const shape = Array.from({ length: dimensions }, () => this.uint64()).reverse();
    return { name, shape, type: this.uint32(), offset: this.uint64() };
  }

  #take(length: number): number {
    const start = this.position;
    if (start + length > this.bytes.length) throw new NeedsMore();
    this.position = start + length;
    return start;
  }
}

const utf8 = new TextDecoder();

function broken(where: string, what: string): TouchstoneError {
  return new TouchstoneError("InvalidModel", { what, where, todo: "Fetch the file again." });
}

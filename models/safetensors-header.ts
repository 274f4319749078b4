import { z } from "zod";
import type { DataFile } from "../storage/files.js";
import { TouchstoneError } from "../study/errors.js";
import { DTYPE_BYTES } from "./tensor-values.js";

export interface SafetensorsEntry {
  dtype: string;
  shape: readonly number[];
  /** Position in the file, bytes. */
  offset: number;
  bytes: number;
}

export interface SafetensorsHeader {
  tensors: ReadonlyMap<string, SafetensorsEntry>;
  metadata: ReadonlyMap<string, string>;
}

/** The format's own bound for the header. */
const MAX_HEADER_BYTES = 100_000_000;

const size = z.int().nonnegative();
const entrySchema = z.object({ dtype: z.string(), shape: z.array(size), data_offsets: z.tuple([size, size]) });
const metadataSchema = z.record(z.string(), z.string());

/**
 * Reads and validates a header: 8 bytes of length, then JSON, then the tensors' bytes without gap or overlap.
 * @throws TouchstoneError InvalidModel for a file that is empty, truncated or corrupt
 */
export async function readSafetensorsHeader(file: DataFile): Promise<SafetensorsHeader> {
  if (file.size < 8) throw broken(file.uri, `The file has ${file.size} bytes; it is empty or truncated`);
  const lengthBytes = await file.read(0, 8);
  const length = Number(new DataView(lengthBytes.buffer, lengthBytes.byteOffset).getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES || length < 2) {
    throw broken(file.uri, `A header of ${length} bytes is announced; this is no safetensors file`);
  }
  if (8 + length > file.size) throw broken(file.uri, "The file ends inside its header; it is truncated");
  const json = parseObject(await file.read(8, length), file.uri);
  const { __metadata__, ...entries } = json;
  const metadata = metadataSchema.safeParse(__metadata__ ?? {});
  if (!metadata.success) throw broken(file.uri, "The header's metadata must be texts");
  const tensors = new Map(
    Object.entries(entries).map(([name, entry]) => [
      name,
      parseEntry(entry, 8 + length, `${file.uri}, tensor ${name}`),
    ]),
  );
  checkLayout(tensors, 8 + length, file);
  return { tensors, metadata: new Map(Object.entries(metadata.data)) };
}

function parseObject(bytes: Uint8Array, where: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (typeof json === "object" && json !== null && !Array.isArray(json)) return json as Record<string, unknown>;
  } catch (cause) {
    throw broken(where, "The header is not JSON", cause);
  }
  throw broken(where, "The header is not a JSON object");
}

function parseEntry(json: unknown, dataStart: number, where: string): SafetensorsEntry {
  const parsed = entrySchema.safeParse(json);
  if (!parsed.success) throw broken(where, "The header's entry needs dtype, shape and data_offsets");
  const { dtype, shape, data_offsets } = parsed.data;
  const [begin, end] = data_offsets;
  const elements = shape.reduce((product, size) => product * size, 1);
  const width = DTYPE_BYTES[dtype];
  if (end < begin || (width !== undefined && elements * width !== end - begin)) {
    throw broken(where, `Offsets ${begin} to ${end} don't fit ${dtype} of shape [${shape}]`);
  }
  return { dtype, shape, offset: dataStart + begin, bytes: end - begin };
}

/** The bytes of all tensors follow one another and fill the file. */
function checkLayout(tensors: ReadonlyMap<string, SafetensorsEntry>, dataStart: number, file: DataFile): void {
  const sorted = Array.from(tensors).sort(([, a], [, b]) => a.offset - b.offset || a.bytes - b.bytes);
  let end = dataStart;
  for (const [name, { offset, bytes }] of sorted) {
    const where = `${file.uri}, tensor ${name}`;
    if (offset < end) throw broken(where, "The tensor overlaps another one");
    if (offset > end) throw broken(where, "There is a gap before the tensor");
    end = offset + bytes;
    if (end > file.size) {
      throw broken(where, `The file is truncated: it has ${file.size} bytes, but the tensor ends at byte ${end}`);
    }
  }
  if (end !== file.size) throw broken(file.uri, `${file.size - end} bytes follow the last tensor`);
}

function broken(where: string, what: string, cause?: unknown): TouchstoneError {
  return new TouchstoneError("InvalidModel", { what, where, todo: "Fetch or write the file again." }, { cause });
}

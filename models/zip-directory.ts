import type { DataFile } from "../storage/files.js";
import { TouchstoneError } from "../study/errors.js";

// Libraries were looked at: fflate unpacks archives that are in memory or streamed whole; unzipit and zip.js read ranges, but an
// entry only in one piece, and take the directory's lengths for true; yauzl asks for every record by itself, a request each in
// S3. What is needed here is where entries lie, of which parts are then read in place.

/** A file in the archive, stored as it is. */
export interface ZipEntry {
  /** Position of its local header. */
  header: number;
  bytes: number;
}

const END = { signature: 0x06054b50, bytes: 22, comment: 0xffff };
const LOCATOR_64 = { signature: 0x07064b50, bytes: 20 };
const END_64 = { signature: 0x06064b50, bytes: 56 };
const RECORD = { signature: 0x02014b50, bytes: 46 };
const LOCAL = { signature: 0x04034b50, bytes: 30 };
/** Half a million entries; no model has so many tensors. */
const MAX_DIRECTORY_BYTES = 64 << 20;

/**
 * The entries of a ZIP archive (ZIP64 too) by name, read from its end. Source: PKWARE's APPNOTE.TXT 6.3.10.
 * @throws TouchstoneError InvalidModel for what is no such archive, is truncated or corrupt, or has compressed entries
 */
export async function readZipDirectory(file: DataFile): Promise<ReadonlyMap<string, ZipEntry>> {
  const { start, bytes } = await findDirectory(file);
  if (bytes > MAX_DIRECTORY_BYTES || start + bytes > file.size) throw corrupt(file, "its directory is not possible");
  const directory = viewOf(await file.read(start, bytes));
  const entries = new Map<string, ZipEntry>();
  for (let at = 0; at < bytes; ) {
    if (at + RECORD.bytes > bytes || directory.getUint32(at, true) !== RECORD.signature) {
      throw corrupt(file, "its directory has something else than entries");
    }
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((field) => directory.getUint16(at + field, true));
    const end = at + RECORD.bytes + nameBytes + extraBytes + commentBytes;
    if (end > bytes) throw corrupt(file, "its directory ends inside an entry");
    const name = utf8.decode(new Uint8Array(directory.buffer, directory.byteOffset + at + RECORD.bytes, nameBytes));
    if (entries.has(name)) throw corrupt(file, `it has ${shown(name)} twice`);
    entries.set(name, readRecord(directory, at, name, file));
    at = end;
  }
  return entries;
}

/**
 * Where the bytes of an entry begin.
 * @throws TouchstoneError InvalidModel where there is no such entry, or its bytes don't fit into the file
 */
export async function entryStart(file: DataFile, { header, bytes }: ZipEntry): Promise<number> {
  const local = viewOf(await file.read(header, LOCAL.bytes));
  if (local.getUint32(0, true) !== LOCAL.signature) throw corrupt(file, `there is no entry at byte ${header}`);
  const start = header + LOCAL.bytes + local.getUint16(26, true) + local.getUint16(28, true);
  if (start + bytes > file.size) throw corrupt(file, `the entry at byte ${header} goes beyond its end`);
  return start;
}

async function findDirectory(file: DataFile): Promise<{ start: number; bytes: number }> {
  const tailBytes = Math.min(file.size, END.bytes + END.comment + LOCATOR_64.bytes);
  const tail = viewOf(await file.read(file.size - tailBytes, tailBytes));
  for (let at = tailBytes - END.bytes; at >= 0; at--) {
    if (tail.getUint32(at, true) !== END.signature) continue;
    if (at + END.bytes + tail.getUint16(at + 20, true) !== tailBytes) continue;
    const locator = at - LOCATOR_64.bytes;
    if (locator >= 0 && tail.getUint32(locator, true) === LOCATOR_64.signature) {
      return findDirectory64(file, uint64(tail, locator + 8, file));
    }
    return { start: tail.getUint32(at + 16, true), bytes: tail.getUint32(at + 12, true) };
  }
  throw corrupt(file, "it lacks an end, as files do that are truncated or are something else");
}

async function findDirectory64(file: DataFile, position: number): Promise<{ start: number; bytes: number }> {
  if (position + END_64.bytes > file.size) throw corrupt(file, "its end points beyond it");
  const end = viewOf(await file.read(position, END_64.bytes));
  if (end.getUint32(0, true) !== END_64.signature) throw corrupt(file, "its end points to something else");
  return { start: uint64(end, 48, file), bytes: uint64(end, 40, file) };
}

function readRecord(directory: DataView, at: number, name: string, file: DataFile): ZipEntry {
  const [flags, method] = [8, 10].map((field) => directory.getUint16(at + field, true));
  if ((flags & 1) !== 0 || method !== 0) {
    throw new TouchstoneError("InvalidModel", {
      what: `${shown(name)} in the archive is ${method === 0 ? "encrypted" : "compressed"}; torch stores it as it is`,
      where: file.uri,
      todo: "Save the model with torch again, or as safetensors.",
    });
  }
  const wide = wideFields(directory, at, file);
  const field = (offset: number) => {
    const value = directory.getUint32(at + offset, true);
    return value === 0xffffffff ? wide() : value;
  };
  // In this order the 64-bit values follow one another.
  const [bytes, stored, header] = [field(24), field(20), field(42)];
  if (bytes !== stored || header + LOCAL.bytes + bytes > file.size) {
    throw corrupt(file, `${shown(name)} in it has a length or place that is not possible`);
  }
  return { header, bytes };
}

/** Takes the 64-bit values of a record one after another. */
function wideFields(directory: DataView, at: number, file: DataFile): () => number {
  let next = at + RECORD.bytes + directory.getUint16(at + 28, true);
  const end = next + directory.getUint16(at + 30, true);
  let left = 0;
  while (left === 0 && next + 4 <= end) {
    const [id, bytes] = [directory.getUint16(next, true), directory.getUint16(next + 2, true)];
    next += 4;
    if (id === 1) left = Math.min(bytes, end - next);
    else next += bytes;
  }
  return () => {
    left -= 8;
    if (left < 0) throw corrupt(file, "an entry of its directory lacks a length or place");
    next += 8;
    return uint64(directory, next - 8, file);
  };
}

function uint64(view: DataView, at: number, file: DataFile): number {
  const value = Number(view.getBigUint64(at, true));
  if (!Number.isSafeInteger(value)) throw corrupt(file, "a length or place in it is not possible");
  return value;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const utf8 = new TextDecoder();

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 100));
}

function corrupt(file: DataFile, what: string): TouchstoneError {
  return new TouchstoneError("InvalidModel", {
    what: `This is no whole ZIP archive: ${what}`,
    where: file.uri,
    todo: "Fetch the file again.",
  });
}

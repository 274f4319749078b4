import { brotliDecompressSync, gunzipSync } from "node:zlib";
import {
  type AsyncBuffer,
  type ColumnMetaData,
  type Compressors,
  type FileMetaData,
  parquetMetadata,
  parquetReadObjects,
  parquetSchema,
  type SchemaTree,
} from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { unzstd } from "./decompress.js";
import type { DataFile } from "./files.js";
import { checkMetadata, checkPages, checkStruct, levelsOf } from "./parquet-limits.js";
import { plainFields } from "./plain.js";
import { notOfFormat, readError } from "./read-error.js";
import { missingField, type Row } from "./row.js";

/** The metadata's length and the magic, at the file's end. */
const TAIL = 8;

const { LZ4: decompressLz4, LZ4_RAW: decompressLz4Raw } = compressors as Required<Compressors>;

/** Those that would give what the bytes say, not what the page's header does; and Node's, which are native. */
const boundedCompressors: Compressors = {
  GZIP: (bytes, length) => gunzipSync(bytes, { maxOutputLength: Math.max(1, length) }),
  BROTLI: (bytes, length) => brotliDecompressSync(bytes, { maxOutputLength: Math.max(1, length) }),
  ZSTD: (bytes, length) => unzstd(bytes, length),
  // A page of nulls alone is a block of nothing, which the library can't read.
  LZ4: (bytes, length) => (length === 0 ? new Uint8Array() : decompressLz4(bytes, length)),
  LZ4_RAW: (bytes, length) => (length === 0 ? new Uint8Array() : decompressLz4Raw(bytes, length)),
};

const allCompressors: Compressors = { ...compressors, ...boundedCompressors };

/** Reads by ranges, a row group at a time, and only `column` where it is given. */
export async function* readParquetRows(file: DataFile, column?: string): AsyncGenerator<Row> {
  const { uri } = file;
  const metadata = await attempt(uri, () => readMetadata(file));
  const schema = parquetSchema(metadata);
  const names = schema.children.map((child) => child.element.name);
  if (column !== undefined && !names.includes(column)) throw missingField(column, names, uri);
  let number = 0;
  for (const group of metadata.row_groups) {
    const rows = await attempt(uri, () => readGroup(file, { ...metadata, row_groups: [group] }, schema, column));
    for (const row of rows) yield { number: ++number, fields: plainFields(row) };
  }
}

async function readMetadata(file: DataFile): Promise<FileMetaData> {
  if (file.size < TAIL) throw new RangeError("it is too short");
  const tail = Buffer.from(await readRange(file, file.size - TAIL, TAIL));
  if (tail.toString("latin1", 4) !== "PAR1") throw new RangeError("it has no end mark: it is truncated");
  const length = tail.readUInt32LE();
  if (length > file.size - TAIL) throw new RangeError(`its metadata have ${length} bytes, more than the file`);
  const bytes = await readRange(file, file.size - TAIL - length, length + TAIL);
  checkStruct(bytes.subarray(0, length));
  // Looking for columns of places would never end in a schema with a negative number of children.
  const metadata = parquetMetadata(bytes, { geoparquet: false });
  checkMetadata(metadata, file.size);
  return metadata;
}

/** @param metadata those of the file, with this row group alone */
async function readGroup(
  file: DataFile,
  metadata: FileMetaData,
  schema: SchemaTree,
  column: string | undefined,
): Promise<object[]> {
  const [{ columns, num_rows }] = metadata.row_groups;
  const wanted = columns
    .flatMap(({ meta_data }) => meta_data ?? [])
    .filter(({ path_in_schema }) => column === undefined || path_in_schema[0] === column);
  const chunks = await Promise.all(wanted.map((chunk) => readChunk(file, chunk, schema)));
  const rows = await parquetReadObjects({
    file: bufferOf(chunks, file.size),
    metadata,
    columns: column === undefined ? undefined : [column],
    compressors: allCompressors,
  });
  if (rows.length !== Number(num_rows)) throw new RangeError(`a row group has ${rows.length} of its ${num_rows} rows`);
  return rows;
}

interface Chunk {
  start: number;
  bytes: Uint8Array;
}

async function readChunk(file: DataFile, chunk: ColumnMetaData, schema: SchemaTree): Promise<Chunk> {
  const start = Number(chunk.dictionary_page_offset || chunk.data_page_offset);
  const bytes = await readRange(file, start, Number(chunk.total_compressed_size));
  checkPages(bytes, chunk, levelsOf(schema, chunk.path_in_schema), allCompressors);
  return { start, bytes };
}

async function readRange(file: DataFile, start: number, length: number): Promise<Uint8Array> {
  if (!(start >= 0 && start + length <= file.size)) throw new RangeError("a column chunk lies beyond the file");
  return file.read(start, length).catch((cause: unknown) => {
    throw readError(cause, file.uri);
  });
}

/** The file as far as it was read and checked; the library asks for chunks, and for runs of small ones with the gaps between. */
function bufferOf(chunks: readonly Chunk[], size: number): AsyncBuffer {
  return {
    byteLength: size,
    slice: (start, end = size) => {
      if (end < start || end > size) throw new RangeError("a column chunk lies beyond the file");
      const whole = new Uint8Array(end - start);
      for (const { start: from, bytes } of chunks) {
        // A chunk that lies elsewhere has no part of it, and no place in it either.
        const part = bytes.subarray(Math.max(0, start - from), Math.max(0, end - from));
        if (part.length > 0) whole.set(part, Math.max(0, from - start));
      }
      return whole.buffer;
    },
  };
}

/** The library's own exceptions are about the bytes it was given. */
async function attempt<T>(uri: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw notOfFormat("Parquet", cause, uri);
  }
}

import { CompressionType, compressionRegistry, type RecordBatch, RecordBatchReader } from "apache-arrow";
import { checkBatch } from "./arrow-bounds.js";
import { mostDecompressed, unzstd } from "./decompress.js";
import type { DataFile } from "./files.js";
import { plainFields, plainValue } from "./plain.js";
import { notOfFormat, readError } from "./read-error.js";
import { missingField, type Row } from "./row.js";

const MAGIC = "ARROW1";
/** The magic, padded: what follows it in an Arrow file is a stream, so both are read as streams, a batch at a time. */
const FILE_HEADER = 8;

/** Arrow IPC files (Feather v2 too) and streams; only `column` where it is given. */
export async function* readArrowRows(file: DataFile, column?: string): AsyncGenerator<Row> {
  const { uri } = file;
  try {
    const skip = await checkEnds(file);
    const stream = await file.stream();
    try {
      yield* readBatches(withoutStart(stream, skip, uri), uri, column);
    } finally {
      stream.destroy();
    }
  } catch (cause) {
    throw notOfFormat("Arrow", cause, uri);
  }
}

async function* readBatches(bytes: AsyncIterable<Uint8Array>, uri: string, column?: string): AsyncGenerator<Row> {
  const reader = await RecordBatchReader.from(bytes);
  await reader.open();
  if (reader.schema === undefined) throw new RangeError("its schema isn't at its start; write it as a stream");
  const names = reader.schema.fields.map((field) => field.name);
  if (column !== undefined && !names.includes(column)) throw missingField(column, names, uri);
  let number = 0;
  for await (const batch of reader) {
    checkBatch(batch);
    for (let row = 0; row < batch.numRows; row++) yield { number: ++number, fields: fieldsAt(batch, row, column) };
  }
}

function fieldsAt(batch: RecordBatch, row: number, column?: string): Record<string, unknown> {
  if (column !== undefined) return { [column]: plainValue(batch.getChild(column)?.get(row)) };
  return plainFields(batch.get(row)?.toJSON() ?? {});
}

/** How many bytes stand before the stream. A writer ends a file with the magic, a stream with a zero length. */
async function checkEnds(file: DataFile): Promise<number> {
  if (file.size < FILE_HEADER) throw new RangeError("it is too short");
  const text = new TextDecoder("latin1");
  const [start, end] = await Promise.all([0, file.size - MAGIC.length].map((at) => file.read(at, MAGIC.length))).catch(
    (cause: unknown) => {
      throw readError(cause, file.uri);
    },
  );
  const isFile = text.decode(start) === MAGIC;
  const complete = isFile ? text.decode(end) === MAGIC : end.subarray(-4).every((byte) => byte === 0);
  if (!complete) throw new RangeError("it has no end mark: it is truncated");
  return isFile ? FILE_HEADER : 0;
}

async function* withoutStart(bytes: AsyncIterable<Uint8Array>, count: number, uri: string): AsyncGenerator<Uint8Array> {
  let left = count;
  try {
    for await (const part of bytes) {
      const skipped = Math.min(left, part.length);
      left -= skipped;
      if (part.length > skipped) yield part.subarray(skipped);
    }
  } catch (cause) {
    throw readError(cause, uri);
  }
}

// A copy, since Arrow lays 8-byte numbers over the bytes and these may start anywhere.
compressionRegistry.set(CompressionType.ZSTD, {
  decode: (bytes) => unzstd(bytes, mostDecompressed(bytes.length)).slice(),
});
compressionRegistry.set(CompressionType.LZ4_FRAME, {
  decode: () => {
    throw new RangeError('it is compressed with LZ4; write it with compression "zstd" or none');
  },
});

import {
  type AsyncBuffer,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
} from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { type DataFile, openFile } from "./files.js";
import { plainFields } from "./plain.js";
import { emptyFile, notOfFormat, readError } from "./read-error.js";
import { missingField, type Row } from "./row.js";

/** Reads by ranges, a row group at a time, and only `column` where it is given. */
export async function* readParquetRows(uri: string, column?: string): AsyncGenerator<Row> {
  const file = await openFile(uri);
  try {
    if (file.size === 0) throw emptyFile(uri);
    const buffer = bufferOf(file);
    const metadata = await attempt(uri, () => parquetMetadataAsync(buffer));
    const names = await attempt(uri, async () => parquetSchema(metadata).children.map((child) => child.element.name));
    if (column !== undefined && !names.includes(column)) throw missingField(column, names, uri);
    const columns = column === undefined ? undefined : [column];
    let rowStart = 0;
    for (const group of metadata.row_groups) {
      const rowEnd = rowStart + Number(group.num_rows);
      const rows = await attempt(uri, () => readGroup(buffer, metadata, columns, rowStart, rowEnd));
      for (const [i, row] of rows.entries()) yield { number: rowStart + i + 1, fields: plainFields(row) };
      rowStart = rowEnd;
    }
  } finally {
    await file.close();
  }
}

async function readGroup(
  file: AsyncBuffer,
  metadata: FileMetaData,
  columns: string[] | undefined,
  rowStart: number,
  rowEnd: number,
): Promise<object[]> {
  const rows = await parquetReadObjects({ file, metadata, columns, rowStart, rowEnd, compressors });
  if (rows.length !== rowEnd - rowStart)
    throw new RangeError(`a row group has ${rows.length} of its ${rowEnd - rowStart} rows`);
  return rows;
}

function bufferOf(file: DataFile): AsyncBuffer {
  return {
    byteLength: file.size,
    slice: async (start, end = file.size) => {
      const bytes = await file.read(start, end - start).catch((cause: unknown) => {
        throw readError(cause, file.uri);
      });
      const { buffer, byteOffset, byteLength } = bytes;
      return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
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

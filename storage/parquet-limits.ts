import { type ColumnMetaData, type Compressors, type FileMetaData, parquetSchema, type SchemaTree } from "hyparquet";
import { type ByteCursor, nextByte, nextVariable, nextZigzag, skipBytes } from "./byte-cursor.js";
import { mostDecompressed } from "./decompress.js";
import { checkDataPage, type DataPage, type Levels } from "./parquet-pages.js";

// The library believes every length that a file says. What it is given is read here before, as far as lengths go.

/** Values of a chunk that need no bytes, as repeated ones do: a row group of pyarrow's. All others take a bit or more. */
const FREE_VALUES = 2 ** 20;
const MOST_DEPTH = 16;
/** A chunk may hold as much as this many pages of the largest size. */
const MOST_PAGES = 16;

/** @throws RangeError where row groups lack columns of the schema, overlap, or claim rows that no column has */
export function checkMetadata(metadata: FileMetaData, fileSize: number): void {
  const leaves = leavesOf(parquetSchema(metadata)).join();
  let stored = 0;
  for (const { num_rows, columns } of metadata.row_groups) {
    const chunks = columns.flatMap(({ meta_data }) => meta_data ?? []);
    // The library leaves the failure of a column that the schema doesn't have to nobody, which would end the process.
    if (chunks.map(({ path_in_schema }) => JSON.stringify(path_in_schema)).join() !== leaves)
      throw new RangeError("a row group hasn't the columns of the schema");
    if (num_rows < 0 || chunks.some(({ num_values }) => num_values < num_rows))
      throw new RangeError(`a row group can't have ${num_rows} rows`);
    for (const { total_compressed_size } of chunks) stored += whole(Number(total_compressed_size));
  }
  if (stored > fileSize) throw new RangeError(`its columns have ${stored} bytes, more than the file`);
}

function leavesOf({ children, path }: SchemaTree): string[] {
  return children.length === 0 ? [JSON.stringify(path)] : children.flatMap(leavesOf);
}

/** The highest levels of a column, as the library counts them. */
export function levelsOf(schema: SchemaTree, path: readonly string[]): Levels {
  const levels = { repetition: 0, definition: 0 };
  let node: SchemaTree | undefined = schema;
  for (const name of path) {
    node = node?.children.find(({ element }) => element.name === name);
    if (node?.element.repetition_type === "REPEATED") levels.repetition++;
    if (node?.element.repetition_type !== "REQUIRED") levels.definition++;
  }
  return levels;
}

/**
 * @param bytes a column's chunk of a row group
 * @throws RangeError where its pages say that they hold more than they can, or more than the chunk
 */
export function checkPages(bytes: Uint8Array, column: ColumnMetaData, levels: Levels, compressors: Compressors): void {
  const { codec, num_values } = column;
  const cursor = cursorOf(bytes);
  let [values, decompressed] = [0, 0];
  while (cursor.at < bytes.length - 1) {
    const header = readStruct(cursor);
    const [plain, stored] = [whole(header.get(2)), whole(header.get(3))];
    const start = cursor.at;
    cursor.at += stored;
    if (cursor.at > bytes.length) throw new RangeError("a page ends beyond its column chunk");
    if (codec !== "UNCOMPRESSED" && plain > mostDecompressed(stored)) throw tooMuch(`a page of ${stored}`, plain);
    decompressed += plain;
    const [data, dictionary, data2] = [5, 7, 8].map((field) => header.get(field));
    if (dictionary instanceof Map && whole(dictionary.get(1)) > plain) throw tooMuch("a dictionary", plain);
    for (const part of [data, data2]) if (part instanceof Map) values += whole(part.get(1));
    if (data2 instanceof Map && whole(data2.get(5)) + whole(data2.get(6)) > cursor.at - start)
      throw new RangeError("a page's levels end beyond it");
    const page = dataPageOf(data, data2);
    if (page === undefined) continue;
    const unpacked = decompressedPage(bytes.subarray(start, cursor.at), plain, column, compressors, data2);
    checkDataPage(unpacked, page, levels, column.type === "BOOLEAN", mostDecompressed(bytes.length) * MOST_PAGES);
  }
  if (decompressed > mostDecompressed(bytes.length) * MOST_PAGES)
    throw tooMuch(`a column chunk of ${bytes.length}`, decompressed);
  if (values !== Number(num_values)) throw new RangeError(`a column chunk has ${values} of its ${num_values} values`);
  if (values > Math.max(FREE_VALUES, 8 * decompressed))
    throw new RangeError(`a column chunk can't hold ${values} values; write row groups of ${FREE_VALUES} rows at most`);
}

type Field = number | Fields | undefined;

function dataPageOf(data: Field, data2: Field): DataPage | undefined {
  if (data instanceof Map) return { values: whole(data.get(1)), encoding: whole(data.get(2)) };
  if (!(data2 instanceof Map)) return undefined;
  const [nulls, definitionBytes, repetitionBytes] = [2, 5, 6].map((field) => whole(data2.get(field)));
  return {
    values: whole(data2.get(1)),
    encoding: whole(data2.get(4)),
    version2: { nulls, repetitionBytes, definitionBytes },
  };
}

/** Levels stand uncompressed before the values in pages of version 2. */
function decompressedPage(
  stored: Uint8Array,
  plain: number,
  { codec }: ColumnMetaData,
  compressors: Compressors,
  data2: Field,
): Uint8Array {
  const isCompressed = !(data2 instanceof Map) || data2.get(7) !== 0;
  if (codec === "UNCOMPRESSED" || !isCompressed) return stored;
  const decompress = compressors[codec];
  if (decompress === undefined) throw new RangeError(`it is compressed with ${codec}, which can't be read`);
  const levels = data2 instanceof Map ? whole(data2.get(5)) + whole(data2.get(6)) : 0;
  const values = decompress(stored.subarray(levels), whole(plain - levels));
  return levels === 0 ? values : Buffer.concat([stored.subarray(0, levels), values]);
}

/** @throws RangeError where a structure in Thrift's compact protocol ends beyond `bytes`, or its lists and nesting can't be */
export function checkStruct(bytes: Uint8Array): void {
  readStruct(cursorOf(bytes));
}

function cursorOf(bytes: Uint8Array): ByteCursor {
  return { bytes, at: 0, ends: "its metadata end" };
}

/** Numbers and structures by their fields; of other kinds only the extent is looked at. */
type Fields = Map<number, Field>;

function readStruct(cursor: ByteCursor, depth = 0): Fields {
  if (depth > MOST_DEPTH) throw new RangeError(`its metadata are nested more than ${MOST_DEPTH} deep`);
  const fields: Fields = new Map();
  for (let field = 0, head = nextByte(cursor); head !== 0; head = nextByte(cursor)) {
    field = head >> 4 === 0 ? nextZigzag(cursor) : field + (head >> 4);
    fields.set(field, readValue(cursor, head & 15, depth));
  }
  return fields;
}

function readValue(cursor: ByteCursor, type: number, depth: number): Field {
  switch (type) {
    case 1:
    case 2:
      return 2 - type;
    case 3:
      nextByte(cursor);
      return undefined;
    case 4:
    case 5:
    case 6:
      return nextZigzag(cursor);
    case 7:
      skipBytes(cursor, 8);
      return undefined;
    case 8:
      skipBytes(cursor, nextVariable(cursor));
      return undefined;
    case 9: {
      const head = nextByte(cursor);
      const count = head >> 4 === 15 ? nextVariable(cursor) : head >> 4;
      // Every item takes a byte or more.
      if (count > cursor.bytes.length - cursor.at) throw new RangeError(`a list of ${count} items can't be in it`);
      const item = head & 15;
      for (let left = count; left > 0; left--) readValue(cursor, item === 1 || item === 2 ? 3 : item, depth + 1);
      return undefined;
    }
    case 12:
      return readStruct(cursor, depth + 1);
    default:
      throw new RangeError(`its metadata have a value of the unknown type ${type}`);
  }
}

/** A count or a length, which the library takes for one of 32 bits. */
function whole(value: Field): number {
  if (typeof value === "number" && value >= 0 && value <= 0x7fff_ffff) return value;
  throw new RangeError("a page or a column chunk has no valid size");
}

function tooMuch(what: string, bytes: number): RangeError {
  return new RangeError(`${what} bytes can't be ${bytes} bytes decompressed`);
}

import {
  Bool,
  DataType,
  Field,
  FixedSizeList,
  Float16,
  Float32,
  Float64,
  Int32,
  List,
  makeData,
  RecordBatch,
  type RecordBatchFileReader,
  RecordBatchReader,
  Schema,
  Struct,
  Table,
  tableToIPC,
  Uint8,
  Uint16,
  Utf8,
  type Vector,
  vectorFromArray,
} from "apache-arrow";
import { TouchstoneError } from "../study/errors.js";
import { checkBatch } from "./arrow-bounds.js";

type Numbers = Float32Array | Float64Array | Int32Array | Uint16Array | Uint8Array;

/** A column: numbers, texts, truth values, or lists of a fixed size over one flat array. No column has nulls. */
export type Column =
  | { kind: "numbers"; values: Numbers }
  | { kind: "texts"; values: readonly string[] }
  | { kind: "flags"; values: readonly boolean[] }
  /** `halves`: the numbers are bits of float16. */
  | { kind: "lists"; size: number; values: Numbers; halves?: boolean }
  /** Lists of differing lengths: row r is values[offsets[r] .. offsets[r + 1]]. */
  | { kind: "ragged"; offsets: Int32Array; values: Numbers };

export interface ArrowTable {
  rows: number;
  hasNumbers(name: string): boolean;
  /** Flat values of a number, list or ragged column, without a copy where the file is one batch. */
  numbers(name: string): Numbers;
  listSize(name: string): number;
  isRagged(name: string): boolean;
  /** Offsets of a ragged column, [rows + 1]. */
  offsets(name: string): Int32Array;
  texts(name: string): string[];
  flags(name: string): boolean[];
  names: readonly string[];
  metadata: ReadonlyMap<string, string>;
  /** Metadata as JSON; undefined where there is none of the key, or it is no JSON. */
  json(key: string): unknown;
}

/** An Arrow IPC file (readable by pyarrow). `metadata` becomes schema metadata; `kind` says what the object is. */
export function encodeArrow(
  kind: string,
  columns: Readonly<Record<string, Column>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const entries = Object.entries(columns);
  const data = entries.map(([, column]) => columnData(column));
  const fields = entries.map(([name], i) => new Field(name, data[i].type, false));
  const schema = new Schema(fields, new Map(Object.entries({ kind, ...metadata })));
  const rows = data[0]?.length ?? 0;
  const struct = makeData({ type: new Struct(fields), length: rows, nullCount: 0, children: data });
  return tableToIPC(new Table(schema, [new RecordBatch(schema, struct)]), "file");
}

/** Reads an Arrow IPC file or stream. @throws TouchstoneError InvalidData when the bytes are not Arrow. */
export function decodeArrow(bytes: Uint8Array, where: string): ArrowTable {
  const table = parse(bytes, where);
  const column = (name: string): Vector => {
    const vector = table.getChild(name);
    if (vector === null) {
      throw new TouchstoneError("InvalidData", {
        what: `There is no column "${name}"`,
        where,
        todo: `The columns are: ${table.schema.names.map(String).join(", ")}.`,
      });
    }
    return vector;
  };
  return {
    rows: table.numRows,
    names: table.schema.names.map(String),
    metadata: table.schema.metadata,
    json: (key) => parsedOrUndefined(table.schema.metadata.get(key)),
    hasNumbers: (name) => hasNumbers(column(name).type),
    numbers: (name) => {
      const vector = column(name);
      if (hasNumbers(vector.type)) return flatNumbers(vector);
      throw new TouchstoneError("InvalidData", { what: `Column "${name}" has no numbers but ${vector.type}`, where });
    },
    offsets: (name) => column(name).data[0]?.valueOffsets ?? new Int32Array(1),
    isRagged: (name) => column(name).type instanceof List,
    listSize: (name) => (column(name).type as FixedSizeList).listSize,
    texts: (name) => Array.from(column(name) as Iterable<unknown>, String),
    flags: (name) => Array.from(column(name) as Iterable<unknown>, Boolean),
  };
}

function parsedOrUndefined(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
}

function parse(bytes: Uint8Array, where: string): Table {
  try {
    const reader = RecordBatchReader.from(bytes);
    reader.open();
    const batches = reader.isFile() ? batchesOfFile(reader) : reader.readAll();
    batches.forEach(checkBatch);
    const table = new Table(reader.schema, batches);
    // Without batches a table makes its columns when it is asked for them, and fails then at types that don't exist.
    for (const { name } of table.schema.fields) table.getChild(name);
    return table;
  } catch (cause) {
    throw new TouchstoneError(
      "InvalidData",
      { what: "This is not a readable Arrow file", where, todo: "Write it again, or point to another file." },
      { cause },
    );
  }
}

/** One by one, since a footer that names a place of something else as a batch's is otherwise read for ever. */
function batchesOfFile(file: RecordBatchFileReader): RecordBatch[] {
  return Array.from({ length: file.numRecordBatches }, (_, i) => {
    const batch = file.readRecordBatch(i);
    if (batch === null) throw new RangeError(`there is no batch ${i} where it should be`);
    return batch;
  });
}

function columnData(column: Column) {
  switch (column.kind) {
    case "numbers":
      return numbersData(column.values);
    case "lists": {
      const child = column.halves ? halvesData(column.values) : numbersData(column.values);
      const type = new FixedSizeList(column.size, new Field("item", child.type as DataType, false));
      return makeData({ type, length: column.values.length / column.size, nullCount: 0, child });
    }
    case "ragged": {
      const child = numbersData(column.values);
      const type = new List(new Field("item", child.type as DataType, false));
      // Arrow's writer drops the second of two buffers in a row that are the same memory, as columns that share offsets have.
      const valueOffsets = column.offsets.slice();
      return makeData({ type, length: valueOffsets.length - 1, nullCount: 0, valueOffsets, child });
    }
    case "texts":
      return vectorFromArray(column.values as string[], new Utf8()).data[0] ?? emptyTexts();
    case "flags":
      return vectorFromArray(column.values as boolean[], new Bool()).data[0];
  }
}

function emptyTexts() {
  return makeData({ type: new Utf8(), length: 0, nullCount: 0 });
}

function numbersData(values: Numbers) {
  const length = values.length;
  if (values instanceof Float32Array) return makeData({ type: new Float32(), length, nullCount: 0, data: values });
  if (values instanceof Float64Array) return makeData({ type: new Float64(), length, nullCount: 0, data: values });
  if (values instanceof Int32Array) return makeData({ type: new Int32(), length, nullCount: 0, data: values });
  if (values instanceof Uint16Array) return makeData({ type: new Uint16(), length, nullCount: 0, data: values });
  return makeData({ type: new Uint8(), length, nullCount: 0, data: values });
}

function halvesData(values: Numbers) {
  return makeData({ type: new Float16(), length: values.length, nullCount: 0, data: values as Uint16Array });
}

function hasNumbers(type: DataType): boolean {
  if (type instanceof List || type instanceof FixedSizeList) return hasNumbers(type.valueType);
  return DataType.isFloat(type) || (DataType.isInt(type) && type.bitWidth < 64);
}

function flatNumbers(vector: Vector): Numbers {
  const parts = vector.data.map((chunk) => {
    if (chunk.type instanceof List) {
      const [child] = chunk.children;
      return (child.values as Numbers).subarray(0, child.length) as Numbers;
    }
    const list = chunk.type instanceof FixedSizeList ? chunk.type.listSize : undefined;
    const values = (list === undefined ? chunk.values : chunk.children[0].values) as Numbers;
    const start = chunk.offset * (list ?? 1);
    return values.subarray(0, chunk.length * (list ?? 1) + start).subarray(start) as Numbers;
  });
  if (parts.length === 1) return parts[0];
  const total = parts.reduce((sum, part) => sum + part.length, 0);
  const first = parts[0] ?? new Float32Array(0);
  const all = new (first.constructor as new (n: number) => Numbers)(total);
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}

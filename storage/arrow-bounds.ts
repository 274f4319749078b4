import { type Data, DataType, type RecordBatch } from "apache-arrow";
import { ByteBuffer } from "flatbuffers";

// Flatbuffers has no verifier for JavaScript, so Arrow would loop over as many entries as a broken file says it has.
// Every entry takes a byte or more: no vector has more of them than its message has bytes.
const lengthOfVector = ByteBuffer.prototype.__vector_len;
ByteBuffer.prototype.__vector_len = function (offset) {
  const length = lengthOfVector.call(this, offset);
  if (length < 0 || length > this.capacity()) throw new RangeError(`a vector of ${length} entries can't be in it`);
  return length;
};

/** Rows of a batch whose columns take no bytes, as columns of nothing but nulls do. */
const FREE_ROWS = 2 ** 16;

/**
 * Compares the rows that a batch says it has with the values that are there, which Arrow in JavaScript doesn't.
 * @throws RangeError with the column's name
 */
export function checkBatch(batch: RecordBatch): void {
  const bytes = batch.data.children.reduce((sum, { byteLength }) => sum + byteLength, 0);
  // A row takes a bit or more.
  if (!(batch.numRows <= Math.max(FREE_ROWS, 8 * bytes))) throw new RangeError(`it can't hold ${batch.numRows} rows`);
  batch.schema.fields.forEach(({ name }, i) => {
    const column = batch.data.children[i];
    if (column.length !== batch.numRows || !hasItsValues(column)) {
      throw new RangeError(`column "${name}" hasn't the values of ${batch.numRows} rows`);
    }
  });
}

function hasItsValues(data: Data): boolean {
  const end = data.offset + data.length;
  if (!(data.length >= 0 && data.offset >= 0 && end <= Number.MAX_SAFE_INTEGER)) return false;
  return valuesReach(data, end) && data.children.every(hasItsValues);
}

/** Whether there are values for all rows before `end`. */
function valuesReach({ type, children, values, valueOffsets, stride }: Data, end: number): boolean {
  if (end === 0 || DataType.isNull(type) || DataType.isUnion(type)) return true;
  if (DataType.isStruct(type)) return children.every((child) => child.length >= end);
  if (DataType.isFixedSizeList(type)) return children[0].length >= end * type.listSize;
  if (DataType.isBool(type)) return values.length * 8 >= end;
  if (valueOffsets !== undefined && valueOffsets.length > 0) {
    return isRising(valueOffsets, end) && Number(valueOffsets[end]) <= (children[0]?.length ?? values.length);
  }
  return values.length >= end * stride;
}

/** Whether offsets 0 to `last` are there and none is below the one before it. */
function isRising(offsets: ArrayLike<number | bigint>, last: number): boolean {
  if (offsets.length <= last || offsets[0] < 0) return false;
  for (let i = 0; i < last; i++) if (offsets[i + 1] < offsets[i]) return false;
  return true;
}

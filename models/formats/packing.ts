/**
 * The one rule by which small codes are packed everywhere: each row is a least-significant-bit-first stream of its own, code j at
 * bit j * bits of it, and codes may straddle words. In 32-bit words these are the rows of
 * compressed-tensors, and transposed those of GPTQ.
 */

/**
 * codes: [rows * columns], each below 2^bits -> bytes [rows * ceil(columns * bits / 8)]
 * @param unit bytes that each row is filled up to a multiple of
 */
export function packCodes(codes: Uint8Array, rows: number, columns: number, bits: number, unit = 1): Uint8Array {
  const rowBytes = packedBytes(columns, bits, unit);
  const packed = new Uint8Array(rows * rowBytes);
  for (let row = 0; row < rows; row++) {
    let held = 0;
    let heldBits = 0;
    let out = row * rowBytes;
    for (let i = row * columns; i < (row + 1) * columns; i++) {
      held |= codes[i] << heldBits;
      heldBits += bits;
      while (heldBits >= 8) {
        packed[out++] = held & 0xff;
        held >>>= 8;
        heldBits -= 8;
      }
    }
    if (heldBits > 0) packed[out] = held & 0xff;
  }
  return packed;
}

/** The inverse of `packCodes`. @throws RangeError where there aren't as many bytes as so many codes take */
export function unpackCodes(packed: Uint8Array, rows: number, columns: number, bits: number, unit = 1): Uint8Array {
  const rowBytes = packedBytes(columns, bits, unit);
  const areSizes = Number.isInteger(bits) && bits >= 1 && bits <= 8 && Number.isInteger(columns) && columns >= 1;
  if (!areSizes || packed.length !== rows * rowBytes)
    throw new RangeError(`${packed.length} bytes aren't ${rows} x ${columns} codes of ${bits} bits`);
  const limit = (1 << bits) - 1;
  const codes = new Uint8Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    let held = 0;
    let heldBits = 0;
    let next = row * rowBytes;
    for (let i = row * columns; i < (row + 1) * columns; i++) {
      while (heldBits < bits) {
        held |= packed[next++] << heldBits;
        heldBits += 8;
      }
      codes[i] = held & limit;
      held >>>= bits;
      heldBits -= bits;
    }
  }
  return codes;
}

/** Bytes of a packed row. */
export function packedBytes(columns: number, bits: number, unit = 1): number {
  return Math.ceil((columns * bits) / (8 * unit)) * unit;
}

/** 32-bit words of a packed row. */
export function packedWords(columns: number, bits: number): number {
  return packedBytes(columns, bits, 4) / 4;
}

/** codes: [rows * columns] -> words [rows * ceil(columns * bits / 32)] */
export function packWords(codes: Uint8Array, rows: number, columns: number, bits: number): Int32Array {
  return new Int32Array(packCodes(codes, rows, columns, bits, 4).buffer);
}

/** The inverse of `packWords`. */
export function unpackWords(words: Int32Array, rows: number, columns: number, bits: number): Uint8Array {
  const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  return unpackCodes(bytes, rows, columns, bits, 4);
}

/** [rows * columns] -> [columns * rows] */
export function transposed<T extends Uint8Array | Int32Array | Float32Array>(
  values: T,
  rows: number,
  columns: number,
): T {
  const result = new (values.constructor as new (length: number) => T)(values.length);
  for (let row = 0, i = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, i++) result[column * rows + row] = values[i];
  }
  return result;
}

/**
 * Packs small codes, each row a least-significant-bit-first stream of its own (formats.md, One packing rule).
 * codes: [rows * columns], each below 2^bits -> bytes [rows * ceil(columns * bits / 8)]
 */
export function packCodes(codes: Uint8Array, rows: number, columns: number, bits: number): Uint8Array {
  const rowBytes = Math.ceil((columns * bits) / 8);
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

/** The inverse of `packCodes`. */
export function unpackCodes(packed: Uint8Array, rows: number, columns: number, bits: number): Uint8Array {
  const rowBytes = Math.ceil((columns * bits) / 8);
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

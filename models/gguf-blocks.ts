import { decodeBfloat16, decodeFloat16, halfTable } from "./float16.js";

/** How a ggml type stores values: runs of `values` in `bytes` bytes. */
export interface BlockFormat {
  name: string;
  values: number;
  bytes: number;
  /** The values as float32, rounded as ggml's reference dequantization and gguf-py round. */
  decode(bytes: Uint8Array): Float32Array;
}

/** Type numbers: `enum ggml_type`; layouts: ggml-common.h and ggml-quants.c. */
export const BLOCK_FORMATS: ReadonlyMap<number, BlockFormat> = new Map<number, BlockFormat>([
  [0, { name: "F32", values: 1, bytes: 4, decode: (bytes) => new Float32Array(ownBuffer(bytes)) }],
  [1, { name: "F16", values: 1, bytes: 2, decode: (bytes) => decodeFloat16(new Uint16Array(ownBuffer(bytes))) }],
  [30, { name: "BF16", values: 1, bytes: 2, decode: (bytes) => decodeBfloat16(new Uint16Array(ownBuffer(bytes))) }],
  [2, { name: "Q4_0", values: 32, bytes: 18, decode: decodeQ4_0 }],
  [3, { name: "Q4_1", values: 32, bytes: 20, decode: decodeQ4_1 }],
  [6, { name: "Q5_0", values: 32, bytes: 22, decode: decodeQ5_0 }],
  [7, { name: "Q5_1", values: 32, bytes: 24, decode: decodeQ5_1 }],
  [8, { name: "Q8_0", values: 32, bytes: 34, decode: decodeQ8_0 }],
]);

// Products of a binary16 scale and a code of up to 8 bits, and such a product plus a binary16 minimum, are exact in
// float64, so that storing them in a Float32Array rounds once; the products alone are exact in float32 too. This is
// what float32 arithmetic, step by step, gives.

function decodeQ4_0(bytes: Uint8Array): Float32Array {
  const half = halfTable();
  const values = new Float32Array((bytes.length / 18) * 32);
  for (let at = 0, out = 0; at < bytes.length; at += 18, out += 32) {
    const scale = half[bytes[at] | (bytes[at + 1] << 8)];
    for (let i = 0; i < 16; i++) {
      const pair = bytes[at + 2 + i];
      values[out + i] = scale * ((pair & 15) - 8);
      values[out + 16 + i] = scale * ((pair >> 4) - 8);
    }
  }
  return values;
}

function decodeQ4_1(bytes: Uint8Array): Float32Array {
  const half = halfTable();
  const values = new Float32Array((bytes.length / 20) * 32);
  for (let at = 0, out = 0; at < bytes.length; at += 20, out += 32) {
    const scale = half[bytes[at] | (bytes[at + 1] << 8)];
    const minimum = half[bytes[at + 2] | (bytes[at + 3] << 8)];
    for (let i = 0; i < 16; i++) {
      const pair = bytes[at + 4 + i];
      values[out + i] = scale * (pair & 15) + minimum;
      values[out + 16 + i] = scale * (pair >> 4) + minimum;
    }
  }
  return values;
}

function decodeQ5_0(bytes: Uint8Array): Float32Array {
  const half = halfTable();
  const values = new Float32Array((bytes.length / 22) * 32);
  for (let at = 0, out = 0; at < bytes.length; at += 22, out += 32) {
    const scale = half[bytes[at] | (bytes[at + 1] << 8)];
    for (let i = 0; i < 16; i++) {
      const pair = bytes[at + 6 + i];
      values[out + i] = scale * ((pair & 15) + 16 * fifthBit(bytes, at + 2, i) - 16);
      values[out + 16 + i] = scale * ((pair >> 4) + 16 * fifthBit(bytes, at + 2, i + 16) - 16);
    }
  }
  return values;
}

function decodeQ5_1(bytes: Uint8Array): Float32Array {
  const half = halfTable();
  const values = new Float32Array((bytes.length / 24) * 32);
  for (let at = 0, out = 0; at < bytes.length; at += 24, out += 32) {
    const scale = half[bytes[at] | (bytes[at + 1] << 8)];
    const minimum = half[bytes[at + 2] | (bytes[at + 3] << 8)];
    for (let i = 0; i < 16; i++) {
      const pair = bytes[at + 8 + i];
      values[out + i] = scale * ((pair & 15) + 16 * fifthBit(bytes, at + 4, i)) + minimum;
      values[out + 16 + i] = scale * ((pair >> 4) + 16 * fifthBit(bytes, at + 4, i + 16)) + minimum;
    }
  }
  return values;
}

function decodeQ8_0(bytes: Uint8Array): Float32Array {
  const half = halfTable();
  const codes = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  const values = new Float32Array((bytes.length / 34) * 32);
  for (let at = 0, out = 0; at < bytes.length; at += 34, out += 32) {
    const scale = half[bytes[at] | (bytes[at + 1] << 8)];
    for (let i = 0; i < 32; i++) values[out + i] = scale * codes[at + 2 + i];
  }
  return values;
}

/** Bit `i` of the 32 bits that begin at byte `start`. */
function fifthBit(bytes: Uint8Array, start: number, i: number): number {
  return (bytes[start + (i >> 3)] >> (i & 7)) & 1;
}

/** The bytes as a buffer that begins with them, as views of wider elements need it. */
function ownBuffer(bytes: Uint8Array): ArrayBufferLike {
  const whole = bytes.byteOffset === 0 && bytes.byteLength === bytes.buffer.byteLength;
  return whole ? bytes.buffer : bytes.slice().buffer;
}

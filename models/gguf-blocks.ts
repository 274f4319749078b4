import { decodeBfloat16, decodeFloat16, halfTable } from "../tensor/float16.js";
import {
  decodeIQ1_M,
  decodeIQ1_S,
  decodeIQ2_S,
  decodeIQ2_XS,
  decodeIQ2_XXS,
  decodeIQ3_S,
  decodeIQ3_XXS,
} from "./gguf-grid-blocks.js";
import { decodeQ2_K, decodeQ3_K, decodeQ4_K, decodeQ5_K, decodeQ6_K } from "./gguf-k-blocks.js";
import { decodeIQ4_NL, decodeIQ4_XS, decodeMXFP4, decodeNVFP4 } from "./gguf-table-blocks.js";
import { decodeTQ1_0, decodeTQ2_0 } from "./gguf-ternary-blocks.js";

/** How a ggml type stores values: runs of `values` in `bytes` bytes. */
export interface BlockFormat {
  name: string;
  values: number;
  bytes: number;
  /** The values as float32, rounded as ggml's reference dequantization and gguf-py round. */
  decode(bytes: Uint8Array): Float32Array;
}

/**
 * Every type that files store weights in. Type numbers: `enum ggml_type`; layouts: ggml-common.h and ggml-quants.c. Q8_1 and Q8_K are
 * made of activations while ggml multiplies, and stand in no file.
 */
export const BLOCK_FORMATS: ReadonlyMap<number, BlockFormat> = new Map<number, BlockFormat>([
  [0, { name: "F32", values: 1, bytes: 4, decode: (bytes) => new Float32Array(ownBuffer(bytes)) }],
  [1, { name: "F16", values: 1, bytes: 2, decode: (bytes) => decodeFloat16(new Uint16Array(ownBuffer(bytes))) }],
  [30, { name: "BF16", values: 1, bytes: 2, decode: (bytes) => decodeBfloat16(new Uint16Array(ownBuffer(bytes))) }],
  [2, { name: "Q4_0", values: 32, bytes: 18, decode: decodeQ4_0 }],
  [3, { name: "Q4_1", values: 32, bytes: 20, decode: decodeQ4_1 }],
  [6, { name: "Q5_0", values: 32, bytes: 22, decode: decodeQ5_0 }],
  [7, { name: "Q5_1", values: 32, bytes: 24, decode: decodeQ5_1 }],
  [8, { name: "Q8_0", values: 32, bytes: 34, decode: decodeQ8_0 }],
  [10, { name: "Q2_K", values: 256, bytes: 84, decode: decodeQ2_K }],
  [11, { name: "Q3_K", values: 256, bytes: 110, decode: decodeQ3_K }],
  [12, { name: "Q4_K", values: 256, bytes: 144, decode: decodeQ4_K }],
  [13, { name: "Q5_K", values: 256, bytes: 176, decode: decodeQ5_K }],
  [14, { name: "Q6_K", values: 256, bytes: 210, decode: decodeQ6_K }],
  [16, { name: "IQ2_XXS", values: 256, bytes: 66, decode: decodeIQ2_XXS }],
  [17, { name: "IQ2_XS", values: 256, bytes: 74, decode: decodeIQ2_XS }],
  [18, { name: "IQ3_XXS", values: 256, bytes: 98, decode: decodeIQ3_XXS }],
  [19, { name: "IQ1_S", values: 256, bytes: 50, decode: decodeIQ1_S }],
  [20, { name: "IQ4_NL", values: 32, bytes: 18, decode: decodeIQ4_NL }],
  [21, { name: "IQ3_S", values: 256, bytes: 110, decode: decodeIQ3_S }],
  [22, { name: "IQ2_S", values: 256, bytes: 82, decode: decodeIQ2_S }],
  [23, { name: "IQ4_XS", values: 256, bytes: 136, decode: decodeIQ4_XS }],
  [24, { name: "I8", values: 1, bytes: 1, decode: (bytes) => new Float32Array(new Int8Array(ownBuffer(bytes))) }],
  [25, { name: "I16", values: 1, bytes: 2, decode: (bytes) => new Float32Array(new Int16Array(ownBuffer(bytes))) }],
  [26, { name: "I32", values: 1, bytes: 4, decode: (bytes) => new Float32Array(new Int32Array(ownBuffer(bytes))) }],
  [27, { name: "I64", values: 1, bytes: 8, decode: decodeI64 }],
  [28, { name: "F64", values: 1, bytes: 8, decode: (bytes) => new Float32Array(new Float64Array(ownBuffer(bytes))) }],
  [29, { name: "IQ1_M", values: 256, bytes: 56, decode: decodeIQ1_M }],
  [34, { name: "TQ1_0", values: 256, bytes: 54, decode: decodeTQ1_0 }],
  [35, { name: "TQ2_0", values: 256, bytes: 66, decode: decodeTQ2_0 }],
  [39, { name: "MXFP4", values: 32, bytes: 17, decode: decodeMXFP4 }],
  [40, { name: "NVFP4", values: 64, bytes: 36, decode: decodeNVFP4 }],
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

/** Rounded once: of what float64 can't hold, the bits below 2^11 are kept as one that says whether there were any. */
function decodeI64(bytes: Uint8Array): Float32Array {
  return Float32Array.from(new BigInt64Array(ownBuffer(bytes)), (value) => {
    const number = Number(value);
    if (Number.isSafeInteger(number)) return number;
    return Number((value >> 11n) | (BigInt.asUintN(11, value) === 0n ? 0n : 1n)) * 2048;
  });
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

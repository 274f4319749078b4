import { halfTable } from "../tensor/float16.js";

// ggml's types whose codes of 4 bits name one of 16 uneven levels.

/** `kvalues_iq4nl` */
const IQ4_LEVELS = Int8Array.of(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);
/** Twice the numbers of E2M1 (OCP Microscaling Formats 1.0), hence half the scales; both zeros are 0. */
const E2M1_LEVELS = Int8Array.of(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);

export function decodeIQ4_NL(bytes: Uint8Array): Float32Array {
  const half = halfTable();
  const values = new Float32Array((bytes.length / 18) * 32);
  for (let at = 0, out = 0; at < bytes.length; at += 18, out += 32) {
    const scale = half[bytes[at] | (bytes[at + 1] << 8)];
    decodeNibbles(bytes, at + 2, 16, IQ4_LEVELS, scale, values, out);
  }
  return values;
}

/** 256 values in groups of 32, whose scales have 6 bits. */
export function decodeIQ4_XS(bytes: Uint8Array): Float32Array {
  const half = halfTable();
  const values = new Float32Array((bytes.length / 136) * 256);
  for (let at = 0, out = 0; at < bytes.length; at += 136) {
    const scale = half[bytes[at] | (bytes[at + 1] << 8)];
    const high = bytes[at + 2] | (bytes[at + 3] << 8);
    for (let group = 0; group < 8; group++, out += 32) {
      const low = (bytes[at + 4 + (group >> 1)] >> ((group & 1) * 4)) & 15;
      const step = scale * ((low | (((high >> (2 * group)) & 3) << 4)) - 32);
      decodeNibbles(bytes, at + 8 + group * 16, 16, IQ4_LEVELS, step, values, out);
    }
  }
  return values;
}

/** 32 values with a power of two (E8M0). */
export function decodeMXFP4(bytes: Uint8Array): Float32Array {
  const values = new Float32Array((bytes.length / 17) * 32);
  for (let at = 0, out = 0; at < bytes.length; at += 17, out += 32) {
    decodeNibbles(bytes, at + 1, 16, E2M1_LEVELS, 2 ** (bytes[at] - 128), values, out);
  }
  return values;
}

/** 64 values in groups of 16, each with an unsigned E4M3 scale. */
export function decodeNVFP4(bytes: Uint8Array): Float32Array {
  const values = new Float32Array((bytes.length / 36) * 64);
  for (let at = 0, out = 0; at < bytes.length; at += 36) {
    for (let group = 0; group < 4; group++, out += 16) {
      decodeNibbles(bytes, at + 4 + group * 8, 8, E2M1_LEVELS, halfE4m3(bytes[at + group]), values, out);
    }
  }
  return values;
}

/** `pairs` codes in the lower halves of as many bytes, then those in the upper halves. */
function decodeNibbles(
  bytes: Uint8Array,
  start: number,
  pairs: number,
  levels: Int8Array,
  scale: number,
  values: Float32Array,
  out: number,
): void {
  for (let i = 0; i < pairs; i++) {
    const pair = bytes[start + i];
    values[out + i] = scale * levels[pair & 15];
    values[out + pairs + i] = scale * levels[pair >> 4];
  }
}

/** Half of the number; the sign bit is none, and what would be NaN is 0. */
function halfE4m3(bits: number): number {
  if (bits === 0x7f) return 0;
  const exponent = (bits >> 3) & 15;
  const fraction = bits & 7;
  return exponent === 0 ? fraction * 2 ** -10 : (8 + fraction) * 2 ** (exponent - 11);
}

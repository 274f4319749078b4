import { halfTable } from "../tensor/float16.js";

// ggml's K-quants: blocks of 256 values in groups of 16 or 32, whose scales (and minimums) are codes too, times the block's
// own. Every product here is exact in float32, and the difference of two in float64: a Float32Array rounds it once.

export function decodeQ2_K(bytes: Uint8Array): Float32Array {
  const half = halfTable();
  const values = new Float32Array((bytes.length / 84) * 256);
  for (let at = 0, out = 0; at < bytes.length; at += 84) {
    const scale = half[bytes[at + 80] | (bytes[at + 81] << 8)];
    const minimum = half[bytes[at + 82] | (bytes[at + 83] << 8)];
    for (let group = 0; group < 16; group++) {
      const codes = at + 16 + (group >> 3) * 32 + (group & 1) * 16;
      const shift = group & 6;
      const step = scale * (bytes[at + group] & 15);
      const offset = minimum * (bytes[at + group] >> 4);
      for (let i = 0; i < 16; i++) values[out++] = step * ((bytes[codes + i] >> shift) & 3) - offset;
    }
  }
  return values;
}

export function decodeQ3_K(bytes: Uint8Array): Float32Array {
  const half = halfTable();
  const values = new Float32Array((bytes.length / 110) * 256);
  for (let at = 0, out = 0; at < bytes.length; at += 110) {
    const scale = half[bytes[at + 108] | (bytes[at + 109] << 8)];
    for (let group = 0; group < 16; group++) {
      // 6 bits: low four in 8 bytes, first eight groups in the lower halves; high two in 4 bytes.
      const low = (bytes[at + 96 + (group & 7)] >> ((group >> 3) * 4)) & 15;
      const high = (bytes[at + 104 + (group & 3)] >> ((group >> 2) * 2)) & 3;
      const step = scale * ((low | (high << 4)) - 32);
      const highBits = at + (group & 1) * 16;
      const codes = at + 32 + (group >> 3) * 32 + (group & 1) * 16;
      const shift = group & 6;
      for (let i = 0; i < 16; i++) {
        const high = (bytes[highBits + i] >> (group >> 1)) & 1;
        values[out++] = step * (((bytes[codes + i] >> shift) & 3) + 4 * high - 4);
      }
    }
  }
  return values;
}

export function decodeQ4_K(bytes: Uint8Array): Float32Array {
  const half = halfTable();
  const values = new Float32Array((bytes.length / 144) * 256);
  for (let at = 0, out = 0; at < bytes.length; at += 144) {
    const scale = half[bytes[at] | (bytes[at + 1] << 8)];
    const minimum = half[bytes[at + 2] | (bytes[at + 3] << 8)];
    for (let group = 0; group < 8; group++) {
      const codes = at + 16 + (group >> 1) * 32;
      const shift = (group & 1) * 4;
      const step = scale * groupScale(bytes, at + 4, group);
      const offset = minimum * groupMinimum(bytes, at + 4, group);
      for (let i = 0; i < 32; i++) values[out++] = step * ((bytes[codes + i] >> shift) & 15) - offset;
    }
  }
  return values;
}

export function decodeQ5_K(bytes: Uint8Array): Float32Array {
  const half = halfTable();
  const values = new Float32Array((bytes.length / 176) * 256);
  for (let at = 0, out = 0; at < bytes.length; at += 176) {
    const scale = half[bytes[at] | (bytes[at + 1] << 8)];
    const minimum = half[bytes[at + 2] | (bytes[at + 3] << 8)];
    for (let group = 0; group < 8; group++) {
      const codes = at + 48 + (group >> 1) * 32;
      const shift = (group & 1) * 4;
      const step = scale * groupScale(bytes, at + 4, group);
      const offset = minimum * groupMinimum(bytes, at + 4, group);
      for (let i = 0; i < 32; i++) {
        const high = (bytes[at + 16 + i] >> group) & 1;
        values[out++] = step * (((bytes[codes + i] >> shift) & 15) | (high << 4)) - offset;
      }
    }
  }
  return values;
}

export function decodeQ6_K(bytes: Uint8Array): Float32Array {
  const half = halfTable();
  const scales = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  const values = new Float32Array((bytes.length / 210) * 256);
  for (let at = 0, out = 0; at < bytes.length; at += 210) {
    const scale = half[bytes[at + 208] | (bytes[at + 209] << 8)];
    for (let group = 0; group < 16; group++) {
      const step = scale * scales[at + 192 + group];
      const low = at + (group >> 3) * 64 + (group & 3) * 16;
      const lowShift = group & 4;
      const high = at + 128 + (group >> 3) * 32 + (group & 1) * 16;
      const highShift = group & 6;
      for (let i = 0; i < 16; i++) {
        const code = ((bytes[low + i] >> lowShift) & 15) | (((bytes[high + i] >> highShift) & 3) << 4);
        values[out++] = step * (code - 32);
      }
    }
  }
  return values;
}

/** 6 bits of 12 bytes from `start`: of groups 0 to 3 a byte's low six, of the others four bits and the high two of an earlier byte. */
function groupScale(bytes: Uint8Array, start: number, group: number): number {
  if (group < 4) return bytes[start + group] & 63;
  return (bytes[start + 4 + group] & 15) | ((bytes[start + group - 4] >> 6) << 4);
}

function groupMinimum(bytes: Uint8Array, start: number, group: number): number {
  if (group < 4) return bytes[start + 4 + group] & 63;
  return (bytes[start + 4 + group] >> 4) | ((bytes[start + group] >> 6) << 4);
}

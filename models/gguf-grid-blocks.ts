import { halfTable } from "../tensor/float16.js";
import { type Grid, iq1Grid, iq2sGrid, iq2xsGrid, iq2xxsGrid, iq3sGrid, iq3xxsGrid } from "./gguf-grids.js";

// ggml's IQ types of 1 to 3 bits: blocks of 256 values; codes name points of a grid, whose values get signs (2 and 3 bits) or a
// shift (1 bit), and the scale of their group of 8 to 32. Every product is exact in float32.

export function decodeIQ2_XXS(bytes: Uint8Array): Float32Array {
  const half = halfTable();
  const grid = iq2xxsGrid();
  const signs = evenSigns();
  const values = new Float32Array((bytes.length / 66) * 256);
  for (let at = 0, out = 0; at < bytes.length; at += 66) {
    const scale = half[bytes[at] | (bytes[at + 1] << 8)];
    for (let group = at + 2; group < at + 66; group += 8) {
      const word = word32(bytes, group + 4);
      const step = scale * (0.5 + (word >>> 28)) * 0.25;
      for (let i = 0; i < 4; i++, out += 8) {
        put8(values, out, step, grid, bytes[group + i], signs[(word >>> (7 * i)) & 127]);
      }
    }
  }
  return values;
}

export function decodeIQ2_XS(bytes: Uint8Array): Float32Array {
  const half = halfTable();
  const grid = iq2xsGrid();
  const signs = evenSigns();
  const values = new Float32Array((bytes.length / 74) * 256);
  for (let at = 0, out = 0; at < bytes.length; at += 74) {
    const scale = half[bytes[at] | (bytes[at + 1] << 8)];
    for (let i = 0; i < 32; i++, out += 8) {
      const word = bytes[at + 2 + 2 * i] | (bytes[at + 3 + 2 * i] << 8);
      put8(values, out, scale * groupScale(bytes, at + 66, i >> 1), grid, word & 511, signs[word >> 9]);
    }
  }
  return values;
}

export function decodeIQ2_S(bytes: Uint8Array): Float32Array {
  const half = halfTable();
  const grid = iq2sGrid();
  const values = new Float32Array((bytes.length / 82) * 256);
  for (let at = 0, out = 0; at < bytes.length; at += 82) {
    const scale = half[bytes[at] | (bytes[at + 1] << 8)];
    for (let i = 0; i < 32; i++, out += 8) {
      const point = bytes[at + 2 + i] | (((bytes[at + 66 + (i >> 2)] >> (2 * (i & 3))) & 3) << 8);
      put8(values, out, scale * groupScale(bytes, at + 74, i >> 1), grid, point, bytes[at + 34 + i]);
    }
  }
  return values;
}

export function decodeIQ3_XXS(bytes: Uint8Array): Float32Array {
  const half = halfTable();
  const grid = iq3xxsGrid();
  const signs = evenSigns();
  const values = new Float32Array((bytes.length / 98) * 256);
  for (let at = 0, out = 0; at < bytes.length; at += 98) {
    const scale = half[bytes[at] | (bytes[at + 1] << 8)];
    for (let i = 0; i < 32; i++, out += 8) {
      const word = word32(bytes, at + 66 + (i & 28));
      const step = scale * (0.5 + (word >>> 28)) * 0.5;
      const sign = signs[(word >>> (7 * (i & 3))) & 127];
      put4(values, out, step, grid, bytes[at + 2 + 2 * i], sign);
      put4(values, out + 4, step, grid, bytes[at + 3 + 2 * i], sign >> 4);
    }
  }
  return values;
}

export function decodeIQ3_S(bytes: Uint8Array): Float32Array {
  const half = halfTable();
  const grid = iq3sGrid();
  const values = new Float32Array((bytes.length / 110) * 256);
  for (let at = 0, out = 0; at < bytes.length; at += 110) {
    const scale = half[bytes[at] | (bytes[at + 1] << 8)];
    for (let i = 0; i < 32; i++, out += 8) {
      const step = scale * (1 + 2 * ((bytes[at + 106 + (i >> 3)] >> (i & 4)) & 15));
      const high = bytes[at + 66 + (i >> 2)] >> (2 * (i & 3));
      const sign = bytes[at + 74 + i];
      put4(values, out, step, grid, bytes[at + 2 + 2 * i] | ((high & 1) << 8), sign);
      put4(values, out + 4, step, grid, bytes[at + 3 + 2 * i] | ((high & 2) << 7), sign >> 4);
    }
  }
  return values;
}

export function decodeIQ1_S(bytes: Uint8Array): Float32Array {
  const half = halfTable();
  const grid = iq1Grid();
  const values = new Float32Array((bytes.length / 50) * 256);
  for (let at = 0, out = 0; at < bytes.length; at += 50) {
    const scale = half[bytes[at] | (bytes[at + 1] << 8)];
    for (let i = 0; i < 32; i++, out += 8) {
      const word = bytes[at + 34 + 2 * (i >> 2)] | (bytes[at + 35 + 2 * (i >> 2)] << 8);
      const point = bytes[at + 2 + i] | (((word >> (3 * (i & 3))) & 7) << 8);
      putShifted(values, out, scale * (2 * ((word >> 12) & 7) + 1), grid, point, (word & 0x8000) !== 0);
    }
  }
  return values;
}

export function decodeIQ1_M(bytes: Uint8Array): Float32Array {
  const half = halfTable();
  const grid = iq1Grid();
  const values = new Float32Array((bytes.length / 56) * 256);
  for (let at = 0, out = 0; at < bytes.length; at += 56) {
    // The block's scale lies in the high four bits of the four words of group scales.
    const low = (bytes[at + 49] >> 4) | (bytes[at + 51] & 0xf0);
    const scale = half[low | ((bytes[at + 53] & 0xf0) << 4) | ((bytes[at + 55] & 0xf0) << 8)];
    for (let i = 0; i < 32; i++, out += 8) {
      const words = at + 48 + 2 * (i >> 3);
      const code = ((bytes[words] | (bytes[words + 1] << 8)) >> (3 * ((i >> 1) & 3))) & 7;
      const high = bytes[at + 32 + (i >> 1)] >> (4 * (i & 1));
      putShifted(values, out, scale * (2 * code + 1), grid, bytes[at + i] | ((high & 7) << 8), (high & 8) !== 0);
    }
  }
  return values;
}

/** Of group `group` of 16 values, of 4 bits. */
function groupScale(bytes: Uint8Array, start: number, group: number): number {
  return (0.5 + ((bytes[start + (group >> 1)] >> (4 * (group & 1))) & 15)) * 0.25;
}

function put8(values: Float32Array, out: number, step: number, grid: Grid, point: number, signs: number): void {
  const from = point * 8;
  for (let i = 0; i < 8; i++) {
    const value = step * grid[from + i];
    values[out + i] = (signs >> i) & 1 ? -value : value;
  }
}

function put4(values: Float32Array, out: number, step: number, grid: Grid, point: number, signs: number): void {
  const from = point * 4;
  for (let i = 0; i < 4; i++) {
    const value = step * grid[from + i];
    values[out + i] = (signs >> i) & 1 ? -value : value;
  }
}

function putShifted(values: Float32Array, out: number, step: number, grid: Grid, point: number, down: boolean): void {
  const from = point * 8;
  const shift = down ? -0.125 : 0.125;
  for (let i = 0; i < 8; i++) values[out + i] = step * (grid[from + i] + shift);
}

function word32(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}

/** Signs of 8 values by the first 7: of the minuses there is an even number. */
function evenSigns(): Uint8Array {
  return Uint8Array.from({ length: 128 }, (_, bits) => {
    let odd = 0;
    for (let rest = bits; rest > 0; rest &= rest - 1) odd ^= 1;
    return bits | (odd << 7);
  });
}

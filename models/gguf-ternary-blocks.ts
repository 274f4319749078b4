import { halfTable } from "../tensor/float16.js";

// ggml's ternary types: blocks of 256 values of -1, 0 or 1 (2 too, where the bits say so), times one scale.

/** Powers of 3: each brings the next digit of a byte to the front. */
const POWERS = [1, 3, 9, 27, 81];

/** 48 bytes of five digits, in runs of 32 and 16, and 4 of four. A byte is a fraction of 256 in base 3. */
export function decodeTQ1_0(bytes: Uint8Array): Float32Array {
  const half = halfTable();
  const values = new Float32Array((bytes.length / 54) * 256);
  let out = 0;
  const run = (start: number, width: number, digits: number, scale: number) => {
    for (let digit = 0; digit < digits; digit++) {
      const power = POWERS[digit];
      for (let i = 0; i < width; i++) values[out++] = scale * (((((bytes[start + i] * power) & 255) * 3) >> 8) - 1);
    }
  };
  for (let at = 0; at < bytes.length; at += 54) {
    const scale = half[bytes[at + 52] | (bytes[at + 53] << 8)];
    run(at, 32, 5, scale);
    run(at + 32, 16, 5, scale);
    run(at + 48, 4, 4, scale);
  }
  return values;
}

/** 2 bits a value. */
export function decodeTQ2_0(bytes: Uint8Array): Float32Array {
  const half = halfTable();
  const values = new Float32Array((bytes.length / 66) * 256);
  for (let at = 0, out = 0; at < bytes.length; at += 66) {
    const scale = half[bytes[at + 64] | (bytes[at + 65] << 8)];
    for (let group = 0; group < 8; group++) {
      const codes = at + (group >> 2) * 32;
      const shift = (group & 3) * 2;
      for (let i = 0; i < 32; i++) values[out++] = scale * (((bytes[codes + i] >> shift) & 3) - 1);
    }
  }
  return values;
}

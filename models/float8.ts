/** Decoding of 8-bit floats (Micikevicius et al. 2022, FP8 formats for deep learning), by a table of all codes. */

/** E4M3 without infinities: only the largest magnitude is no number. */
const e4m3 = Float32Array.from({ length: 256 }, (_, bits) => {
  const [sign, exponent, fraction] = [bits & 0x80 ? -1 : 1, (bits >> 3) & 15, bits & 7];
  if ((bits & 0x7f) === 0x7f) return Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -9 : sign * (8 + fraction) * 2 ** (exponent - 10);
});

/** E5M2: infinities and NaN as in IEEE 754. */
const e5m2 = Float32Array.from({ length: 256 }, (_, bits) => {
  const [sign, exponent, fraction] = [bits & 0x80 ? -1 : 1, (bits >> 2) & 31, bits & 3];
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -16 : sign * (4 + fraction) * 2 ** (exponent - 17);
});

export function decodeE4m3(codes: Uint8Array): Float32Array {
  return lookedUp(codes, e4m3);
}

export function decodeE5m2(codes: Uint8Array): Float32Array {
  return lookedUp(codes, e5m2);
}

function lookedUp(codes: Uint8Array, table: Float32Array): Float32Array {
  const values = new Float32Array(codes.length);
  for (let i = 0; i < codes.length; i++) values[i] = table[codes[i]];
  return values;
}

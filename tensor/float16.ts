/** Decoding and encoding of 16-bit floats: IEEE binary16 and bfloat16, little-endian. */

/** The float32 value of every binary16 bit pattern: a look-up is several times faster than taking the bits apart. */
let halves: Float32Array | undefined;

export function halfTable(): Float32Array {
  halves ??= Float32Array.from({ length: 65536 }, (_, bits) => decodeHalf(bits));
  return halves;
}

function decodeHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

export function decodeFloat16(bits: Uint16Array): Float32Array {
  const table = halfTable();
  const values = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) values[i] = table[bits[i]];
  return values;
}

export function decodeBfloat16(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i] << 16;
  return new Float32Array(words.buffer);
}

/** Rounds half to even; what is too large becomes infinite, as in IEEE 754. */
export function encodeFloat16(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const sign = (words[i] >>> 16) & 0x8000;
    const magnitude = words[i] & 0x7fffffff;
    if (magnitude > 0x7f800000) bits[i] = sign | 0x7e00;
    else if (magnitude >= 0x47800000) bits[i] = sign | 0x7c00;
    else if (magnitude >= 0x38800000) bits[i] = sign | halfEven(magnitude - 0x38000000, 13);
    else if (magnitude >= 0x33000000) {
      // Subnormal: the significand with its hidden bit, shifted to units of 2^-24.
      bits[i] = sign | halfEven((magnitude & 0x7fffff) | 0x800000, 126 - (magnitude >>> 23));
    } else bits[i] = sign;
  }
  return bits;
}

/** Rounds half to even. */
export function encodeBfloat16(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const notANumber = (words[i] & 0x7fffffff) > 0x7f800000;
    bits[i] = notANumber ? (words[i] >>> 16) | 0x40 : halfEven(words[i], 16);
  }
  return bits;
}

/** `bits / 2^shift`, rounded half to even. */
function halfEven(bits: number, shift: number): number {
  const kept = bits >>> shift;
  const rest = bits & (2 ** shift - 1);
  const half = 2 ** (shift - 1);
  return rest > half || (rest === half && (kept & 1) === 1) ? kept + 1 : kept;
}

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeBfloat16, decodeFloat16, encodeBfloat16, encodeFloat16 } from "../../tensor/float16.js";

const every16Bits = Uint16Array.from({ length: 65536 }, (_, bits) => bits);
const isNumber = (values: Float32Array) => (_: number, i: number) => !Number.isNaN(values[i]);

for (const [name, decode, encode] of [
  ["binary16", decodeFloat16, encodeFloat16],
  ["bfloat16", decodeBfloat16, encodeBfloat16],
] as const) {
  test(`${name}: each of its numbers is encoded as it was decoded, and what is not a number stays so`, () => {
    const values = decode(every16Bits);
    assert.deepEqual(encode(values).filter(isNumber(values)), every16Bits.filter(isNumber(values)));
    assert.ok(decode(encode(values)).every((value, i) => Number.isNaN(value) === Number.isNaN(values[i])));
  });

  test(`${name}: a float32 value goes to the nearest number, of two equally near ones to the even one`, () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true }), (value) => {
        const [bits] = encode(Float32Array.of(value));
        const [rounded, above, below] = decode(Uint16Array.of(bits, bits + 1, bits - 1));
        // Beyond the largest number by half a step or more: infinity, as IEEE 754 has it.
        if (!Number.isFinite(rounded)) return Math.abs(value) > Math.abs(below);
        const error = Math.abs(rounded - value);
        return [above, below].filter(Number.isFinite).every((other) => {
          const otherError = Math.abs(other - value);
          return error < otherError || (error === otherError && (bits & 1) === 0) || other === rounded;
        });
      }),
      { numRuns: 5000 },
    );
  });
}

test("binary16: numbers that the standard names", () => {
  // Largest, smallest normal, smallest subnormal, one third, minus zero, infinity.
  const bits = [0x7bff, 0x0400, 0x0001, 0x3555, 0x8000, 0x7c00];
  assert.deepEqual(Array.from(decodeFloat16(Uint16Array.from(bits))), [
    65504,
    2 ** -14,
    2 ** -24,
    0.333251953125,
    -0,
    Infinity,
  ]);
  const halfway = [65519.99, 65520, 2 ** -25, 2 ** -25 * 1.0001].map(Math.fround);
  assert.deepEqual(Array.from(encodeFloat16(Float32Array.from(halfway))), [0x7bff, 0x7c00, 0, 1]);
});

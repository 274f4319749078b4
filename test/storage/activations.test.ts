import assert from "node:assert/strict";
import { test } from "node:test";
import { type ActivationChunk, decodeActivations, encodeActivations } from "../../storage/activations.js";
import { decodeArrow, encodeArrow } from "../../storage/arrow.js";
import { encodeBfloat16, encodeFloat16 } from "../../tensor/float16.js";

const values = Float32Array.from({ length: 12 }, (_, i) => (i - 5) / 3);
const chunks: ActivationChunk[] = [
  { dtype: "float32" as const, values },
  { dtype: "float16" as const, values: encodeFloat16(values) },
  { dtype: "bfloat16" as const, values: encodeBfloat16(values) },
].map((stored) => ({ sequences: 2, tokens: 3, hiddenSize: 2, ...stored }));

for (const chunk of chunks) {
  test(`${chunk.dtype} hidden states come back bit for bit`, () => {
    const bytes = encodeActivations(chunk, 5);
    assert.deepEqual(decodeActivations(bytes, "states.arrow"), chunk);
    assert.deepEqual(decodeArrow(bytes, "states.arrow").numbers("sequence"), Int32Array.of(5, 5, 5, 6, 6, 6));
  });
}

test("an Arrow file of something else, or of another type than it says, holds no activations", () => {
  const [full, , half] = chunks;
  const files = [
    encodeActivations({ ...half, dtype: "float32" }, 0),
    encodeActivations({ ...full, dtype: "bfloat16" }, 0),
    encodeArrow("tokens", { hidden: { kind: "lists", size: 2, values } }),
  ];
  for (const file of files) {
    assert.throws(() => decodeActivations(file, "states.arrow"), {
      name: "InvalidData",
      message: /holds no activations.*states\.arrow/,
    });
  }
});

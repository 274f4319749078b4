import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { BLOCK_FORMATS } from "../../models/gguf-blocks.js";
import { loadModel } from "../../models/load.js";
import type { ErrorType } from "../../study/errors.js";
import { encodeGguf, floatBytes } from "./gguf-file.js";
import {
  SMALL_METADATA,
  scratchFolder,
  smallGgufTensors,
  smallWeights,
  writeSmallGguf,
  writeSmallModel,
} from "./small-model.js";

/** 1.5 and -0.25 in binary16, little-endian. */
const SCALE = [0x00, 0x3e];
const MINIMUM = [0x00, 0xb4];
/** Codes 0 .. 15 low, 15 .. 0 high. */
const NIBBLES = Array.from({ length: 16 }, (_, i) => i | ((15 - i) << 4));
const codes = [...Array(16).keys(), ...Array(16).keys()].map((i, at) => (at < 16 ? i : 15 - i));
/** The fifth bit of values 0, 9 and 31. */
const FIFTH_BITS = [0x01, 0x02, 0x00, 0x80];
const fifth = (i: number) => (i === 0 || i === 9 || i === 31 ? 16 : 0);
const bytesOfQ8 = Array.from({ length: 32 }, (_, i) => (i * 8 - 128) & 255);

const cases: { type: number; name: string; bytes: number[]; value: (code: number, i: number) => number }[] = [
  { type: 2, name: "Q4_0", bytes: [...SCALE, ...NIBBLES], value: (code) => 1.5 * (code - 8) },
  { type: 3, name: "Q4_1", bytes: [...SCALE, ...MINIMUM, ...NIBBLES], value: (code) => 1.5 * code - 0.25 },
  {
    type: 6,
    name: "Q5_0",
    bytes: [...SCALE, ...FIFTH_BITS, ...NIBBLES],
    value: (code, i) => 1.5 * (code + fifth(i) - 16),
  },
  {
    type: 7,
    name: "Q5_1",
    bytes: [...SCALE, ...MINIMUM, ...FIFTH_BITS, ...NIBBLES],
    value: (code, i) => 1.5 * (code + fifth(i)) - 0.25,
  },
  { type: 8, name: "Q8_0", bytes: [...SCALE, ...bytesOfQ8], value: (_, i) => 1.5 * (i * 8 - 128) },
];

for (const { type, name, bytes, value } of cases) {
  test(`${name}: every value is what its code, scale and minimum say`, () => {
    const format = BLOCK_FORMATS.get(type)!;
    assert.equal(format.name, name);
    const expected = codes.map(value);
    // Twice, since blocks follow one another.
    assert.deepEqual(Array.from(format.decode(Uint8Array.from([...bytes, ...bytes]))), [...expected, ...expected]);
  });
}

test("F32, F16 and BF16 hold 1.5 and -0.25 as their formats say", () => {
  const decode = (type: number, ...bytes: number[]) =>
    Array.from(BLOCK_FORMATS.get(type)!.decode(Uint8Array.from(bytes)));
  assert.deepEqual(decode(0, 0, 0, 0xc0, 0x3f, 0, 0, 0x80, 0xbe), [1.5, -0.25]);
  assert.deepEqual(decode(1, ...SCALE, ...MINIMUM), [1.5, -0.25]);
  assert.deepEqual(decode(30, 0xc0, 0x3f, 0x80, 0xbe), [1.5, -0.25]);
});

test("a GGUF file has the same weights and settings as the folder it was made from, q and k rows included", async () => {
  const [fromGguf, fromFolder] = [await loadModel(await writeSmallGguf()), await loadModel(await writeSmallModel())];
  for (const read of ["embedding", "head"] as const) assert.deepEqual(await fromGguf[read](), await fromFolder[read]());
  for (const index of [0, 1]) assert.deepEqual(await fromGguf.block(index), await fromFolder.block(index));
  const settings = ({ huggingFace: _, normEps, ...others }: typeof fromGguf.config) => ({
    ...others,
    normEps: Math.fround(normEps),
  });
  assert.deepEqual(settings(fromGguf.config), settings(fromFolder.config));
  await Promise.all([fromGguf.close(), fromFolder.close()]);
});

test("a file without an output matrix ties it to the embedding", async () => {
  const tensors = smallGgufTensors().filter(({ name }) => name !== "output.weight");
  const model = await loadModel(await writeSmallGguf(tensors));
  assert.equal(model.config.tieWordEmbeddings, true);
  assert.deepEqual(
    (await model.head()).get("model.embed_tokens.weight")!.data,
    smallWeights().get("model.embed_tokens.weight")!.data,
  );
  await model.close();
});

test("rotary frequency factors are read as the llama3 scaling that gave them; others are refused", async () => {
  // Of two frequencies, 1 and 4.5e-5 radians a position, the second turns less than once in 8192 positions.
  const metadata = { ...SMALL_METADATA, "llama.rope.freq_base": 5e8 };
  const withFactors = (...factors: number[]) => {
    const rope = { name: "rope_freqs.weight", shape: [factors.length], type: 0, bytes: floatBytes(factors) };
    return writeSmallGguf([...tensors, rope], metadata);
  };
  const model = await loadModel(await withFactors(1, 8));
  assert.deepEqual(model.config.ropeScaling, {
    type: "llama3",
    factor: 8,
    lowFreqFactor: 1,
    highFreqFactor: 4,
    originalMaxPositionEmbeddings: 8192,
  });
  await model.close();
  await assert.rejects(loadModel(await withFactors(2, 8)), { name: "UnsupportedArchitecture", message: /rope_freqs/ });
});

test("a file that is cut off anywhere is named as truncated or corrupt, never read", async () => {
  const whole = await readFile(await writeSmallGguf());
  const path = join(await scratchFolder(), "cut.gguf");
  for (let length = 0; length < whole.length - 32; length += 97) {
    await writeFile(path, whole.subarray(0, length));
    await assert.rejects(loadModel(path), { name: "InvalidModel" }, `${length} bytes`);
  }
});

const tensors = smallGgufTensors();
const changed = (name: string, change: object) => tensors.map((t) => (t.name === name ? { ...t, ...change } : t));
const withMetadata = (change: object) => encodeGguf({ ...SMALL_METADATA, ...change }, tensors);
const withoutMetadata = (key: string) => {
  const { [key]: _, ...others } = SMALL_METADATA;
  return encodeGguf(others, tensors);
};

const broken: Record<string, { bytes: Uint8Array; error: ErrorType; message: RegExp }> = {
  "is no GGUF file": {
    bytes: new TextEncoder().encode("PK not a model"),
    error: "InvalidModel",
    message: /doesn't start/,
  },
  "has an unknown version": {
    bytes: encodeGguf(SMALL_METADATA, tensors, 1),
    error: "InvalidModel",
    message: /version 1/,
  },
  "has a tensor beyond its end": {
    bytes: encodeGguf(SMALL_METADATA, changed("output_norm.weight", { offset: 1 << 20 })),
    error: "InvalidModel",
    message: /truncated.*output_norm/,
  },
  "has tensors on top of one another": {
    bytes: encodeGguf(SMALL_METADATA, changed("output_norm.weight", { offset: 0 })),
    error: "InvalidModel",
    message: /overlaps/,
  },
  "has an offset off the alignment": {
    bytes: encodeGguf(SMALL_METADATA, changed("output_norm.weight", { offset: 33 })),
    error: "InvalidModel",
    message: /multiple of 32/,
  },
  "lacks a weight": {
    bytes: encodeGguf(
      SMALL_METADATA,
      tensors.filter(({ name }) => name !== "blk.1.ffn_up.weight"),
    ),
    error: "InvalidModel",
    message: /missing.*model\.layers\.1\.mlp\.up_proj\.weight/,
  },
  "has a weight of another shape": {
    bytes: encodeGguf(SMALL_METADATA, changed("blk.0.attn_v.weight", { shape: [8, 4] })),
    error: "ShapeMismatch",
    message: /v_proj.*\[8,4\].*\[4,8\]|\[8,4\].*\[4,8\].*v_proj/s,
  },
  "has a weight of a type that can't be read": {
    bytes: encodeGguf(SMALL_METADATA, changed("blk.0.attn_v.weight", { type: 9 })),
    error: "InvalidModel",
    message: /ggml type 9.*v_proj/,
  },
  "has a weight with a scale beside it": {
    bytes: encodeGguf(SMALL_METADATA, [
      ...tensors,
      { name: "blk.0.attn_v.scale", shape: [1], type: 0, bytes: floatBytes([2]) },
    ]),
    error: "InvalidModel",
    message: /scale beside it.*v_proj/,
  },
  "lacks a setting": {
    bytes: withoutMetadata("llama.attention.head_count"),
    error: "InvalidModel",
    message: /llama\.attention\.head_count/,
  },
  "has more experts than any model": {
    bytes: withMetadata({ "llama.expert_count": 2 ** 31 }),
    error: "InvalidModel",
    message: /2147483648 experts/,
  },
  "doesn't say how many experts a token is routed to": {
    bytes: withMetadata({ "llama.expert_count": 8 }),
    error: "InvalidModel",
    message: /llama\.expert_used_count/,
  },
  "has another architecture": {
    bytes: withMetadata({ "general.architecture": "mamba" }),
    error: "UnsupportedArchitecture",
    message: /mamba.*bloom, .*llama, phi3/s,
  },
  "scales its rotary embedding in another way": {
    bytes: withMetadata({ "llama.rope.scaling.type": "yarn" }),
    error: "UnsupportedArchitecture",
    message: /yarn/,
  },
};

for (const [what, { bytes, error, message }] of Object.entries(broken)) {
  test(`a GGUF file that ${what}: ${error}`, async () => {
    const path = join(await scratchFolder(), "model.gguf");
    await writeFile(path, bytes);
    await assert.rejects(loadModel(path), { name: error, message });
  });
}

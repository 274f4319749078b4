import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import fc from "fast-check";
import type { CompressedLayer } from "../../compression/method.js";
import {
  decodeLayer,
  encodeLayer,
  readStoredLayer,
  type StoredLayerDescription,
  storedBits,
} from "../../compression/stored-layer.js";
import { packCodes, packWords, unpackCodes, unpackWords } from "../../models/formats/packing.js";
import { decodeArrow, encodeArrow } from "../../storage/arrow.js";
import { loadBackend } from "../../tensor/backend.js";
import { compressRandom, everyMethod, settingsOf } from "./every-method.js";
import { randomInputs, randomLayer } from "./random-layer.js";

const bitsOf = (weight: Float32Array) => new Uint32Array(weight.buffer, weight.byteOffset, weight.length);

function stored(json: object, rows = 9, columns = 72, seed = 1) {
  const layer = randomLayer(rows, columns, seed);
  layer.weight.set([-0, 0, -0], seed % 70);
  const description = { name: "a.weight", rows, columns, settings: settingsOf(json), error: 1.25 };
  const compressed = compressRandom(layer, randomInputs(columns, seed), description.settings);
  return { compressed, description, bytes: encodeLayer(compressed, description) };
}

describe("stored layers", () => {
  before(loadBackend);

  it("are decoded to the solver's weights bit for bit, with all that the solver found", () => {
    const shapes = fc.record({ seed: fc.integer({ min: 1, max: 1e6 }), rows: fc.integer({ min: 1, max: 40 }) });
    fc.assert(
      fc.property(shapes, fc.constantFrom(...everyMethod), ({ seed, rows }, json) => {
        const { compressed, description, bytes } = stored(json, rows, 72, seed);
        assert.deepEqual(bitsOf(decodeLayer(bytes, "stored")), bitsOf(compressed.weight));
        const { compressed: read, ...rest } = readStoredLayer(bytes, "stored");
        assert.deepEqual(rest, { ...description, inputs: { model: undefined, calibration: undefined } });
        assert.deepEqual(bitsOf(read.weight), bitsOf(compressed.weight));
        assert.deepEqual({ ...read, weight: undefined }, { ...compressed, weight: undefined });
      }),
      { numRuns: 80 },
    );
  });

  it("say what they were made from, where that is known", () => {
    const { compressed, description } = stored({ method: "gptq", groupSize: 16 });
    const inputs = { model: "ab12", calibration: "cd34" };
    assert.deepEqual(readStoredLayer(encodeLayer(compressed, { ...description, inputs }), "stored").inputs, inputs);
  });

  it("SpQR's statistics are stored as codes and grids, its outliers as columns and values", () => {
    const { compressed, bytes } = stored({ method: "spqr", bits: 3, outlierThreshold: 0.05 }, 40);
    const outliers = compressed.quantized?.outliers?.reduce((sum, mark) => sum + mark, 0) ?? 0;
    assert.ok(outliers > 0);
    const { names, metadata } = decodeArrow(bytes, "stored");
    assert.deepEqual(names, [...["codes", "scaleCodes", "zeroCodes", "grids"], ...["outlierColumns", "outlierValues"]]);
    // 72 codes, and 5 groups of 3-bit statistics in whole bytes; 3 runs of 16 rows with four float32 a group; 16 + 32 bits an
    // outlier; three columns of lists have 41 offsets; the index of scattered groups is text.
    const row = 72 * 3 + 2 * 16;
    const index = 8 * (metadata.get("groupIndex")?.length ?? 0);
    const expected = 40 * row + 3 * 5 * 4 * 32 + 48 * outliers + 3 * 41 * 32 + index;
    assert.equal(storedBits(bytes, "stored"), expected);
  });

  it("n:m layers have values with positions where these need no more than a bitmap", () => {
    const columnsOf = (json: object) => decodeArrow(stored(json).bytes, "stored").names;
    assert.deepEqual(columnsOf({ method: "sparsegpt", pattern: "2:4", blockSize: 32 }), ["positions", "values"]);
    assert.deepEqual(columnsOf({ method: "wanda", pattern: "3:4" }), ["positions", "values"]);
    assert.deepEqual(columnsOf({ method: "wanda", pattern: "4:8" }), ["mask", "values"]);
    assert.deepEqual(columnsOf({ method: "wanda", sparsity: 0.5 }), ["mask", "values"]);
    // 2:4: half of the weights in float32, each with 2 bits.
    const { bytes } = stored({ method: "wanda", pattern: "2:4" });
    assert.equal(storedBits(bytes, "stored"), 9 * 36 * 34);
  });

  it("a mask that doesn't keep to its pattern is stored as a bitmap", () => {
    const { compressed, description } = stored({ method: "magnitude", pattern: "2:4" });
    compressed.mask?.set([1, 1, 1, 0]);
    compressed.weight.set([1, 2, 3, 0]);
    const bytes = encodeLayer(compressed, description);
    assert.deepEqual(decodeArrow(bytes, "stored").names, ["mask", "values"]);
    assert.deepEqual(decodeLayer(bytes, "stored"), compressed.weight);
  });

  it("codes with float32 grids take bits a weight, and 64 a group", () => {
    const { bytes } = stored({ method: "gptq", bits: 4, groupSize: 16, blockSize: 32 });
    assert.equal(storedBits(bytes, "stored"), 9 * (72 * 4 + 5 * 64));
  });

  it("layers that were stored with a bitmap of outliers are still read", () => {
    const { compressed, description, bytes } = stored({ method: "spqr", bits: 3, outlierThreshold: 0.05 });
    assert.deepEqual(decodeLayer(withBitmap(compressed, description), "stored"), decodeLayer(bytes, "stored"));
  });

  it("what is no layer of a known encoding is refused", () => {
    const weight = { kind: "numbers", values: Float32Array.of(1) } as const;
    const other = encodeArrow("compressed-layer", { weight }, { columns: "1", encoding: "ternary" });
    assert.throws(() => decodeLayer(other, "here"), { name: "InvalidData", message: /encoding is ternary.*here/ });
    const dense = encodeArrow("compressed-layer", { weight }, { columns: "1", encoding: "dense", settings: "{}" });
    assert.throws(() => readStoredLayer(dense, "here"), { name: "InvalidData", message: /settings/ });
  });
});

/** As SpQR's layers were stored at first: float32 grids, and a bitmap of outliers. */
function withBitmap(
  { weight, quantized }: CompressedLayer,
  { rows, columns, settings }: StoredLayerDescription,
): Uint8Array {
  assert.ok(quantized?.outliers !== undefined);
  const { bits, codes, scales, zeros, groups, groupIndex, outliers } = quantized;
  const bytes = (values: Uint8Array, width: number) => {
    return {
      kind: "lists",
      size: Math.ceil((columns * width) / 8),
      values: packCodes(values, rows, columns, width),
    } as const;
  };
  const offsets = new Int32Array(rows + 1);
  outliers.forEach((mark, i) => {
    offsets[Math.floor(i / columns) + 1] += mark;
  });
  for (let row = 0; row < rows; row++) offsets[row + 1] += offsets[row];
  return encodeArrow(
    "compressed-layer",
    {
      codes: bytes(codes, bits),
      scales: { kind: "lists", size: groups, values: scales },
      zeros: { kind: "lists", size: groups, values: zeros },
      outliers: bytes(outliers, 1),
      values: { kind: "ragged", offsets, values: weight.filter((_, i) => outliers[i] === 1) },
    },
    {
      ...{ encoding: "codes", bits: String(bits), columns: String(columns) },
      ...{ groupIndex: JSON.stringify(Array.from(groupIndex)), settings: JSON.stringify(settings) },
    },
  );
}

describe("packing", () => {
  const codes = fc
    .record({
      rows: fc.integer({ min: 1, max: 5 }),
      columns: fc.integer({ min: 1, max: 70 }),
      bits: fc.integer({ min: 1, max: 8 }),
    })
    .chain(({ rows, columns, bits }) =>
      fc
        .uint8Array({ minLength: rows * columns, maxLength: rows * columns, max: 2 ** bits - 1 })
        .map((values) => ({ rows, columns, bits, values })),
    );

  it("code j of a row is at bit j * bits of a stream of 32-bit words, and is read back", () => {
    fc.assert(
      fc.property(codes, ({ rows, columns, bits, values }) => {
        const words = packWords(values, rows, columns, bits);
        const width = Math.ceil((columns * bits) / 32);
        assert.equal(words.length, rows * width);
        const stream = (row: number) =>
          words
            .subarray(row * width, (row + 1) * width)
            .reduceRight((all, word) => (all << 32n) | BigInt(word >>> 0), 0n);
        values.forEach((code, i) => {
          const at = BigInt((i % columns) * bits);
          assert.equal(Number((stream(Math.floor(i / columns)) >> at) & BigInt(2 ** bits - 1)), code);
        });
        assert.deepEqual(unpackWords(words, rows, columns, bits), values);
        assert.deepEqual(unpackCodes(packCodes(values, rows, columns, bits), rows, columns, bits), values);
      }),
    );
  });
});

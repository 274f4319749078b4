import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { decodeSet, encodeSet, setOfTokens } from "../../calibration/set.js";
import { loadSpec } from "../../client/load-spec.js";
import { encodeLayer, readStoredLayer } from "../../compression/stored-layer.js";
import { decodeScores, encodeScores } from "../../evaluation/stored-scores.js";
import { loadModel } from "../../models/load.js";
import { tokenizerFromFiles } from "../../models/tokenizer-json.js";
import { checkoutFolder } from "../../storage/home.js";
import { readRows } from "../../storage/rows.js";
import { TouchstoneError } from "../../study/errors.js";
import { parseStudySpec } from "../../study/spec.js";
import { loadBackend } from "../../tensor/backend.js";
import { compressRandom, settingsOf } from "../compression/every-method.js";
import { randomInputs, randomLayer } from "../compression/random-layer.js";
import { SMALL_CONFIG, scratchFolder, writeSmallGguf, writeSmallModel } from "../models/small-model.js";
import { mutated, mutations } from "./mutation.js";

/** A night's run is `FUZZ_INPUTS=1000000 FUZZ_SEED=$RANDOM node --test dist/test/fuzz/*.test.js`. */
const inputs = Number(process.env.FUZZ_INPUTS ?? 1_000);
const seed = Number(process.env.FUZZ_SEED ?? 1);
/** A reader that takes as long, or as much, over a file of some kilobytes has believed a length that it was told. */
const LONGEST_MS = 5000;
const MOST_BYTES = 768 * 2 ** 20;

/**
 * Gives a reader broken copies of a file: each is read, or refused by an error of ours, soon, in bounded memory.
 * @param read what reads the bytes; a reader of files finds them at `path`
 */
function fuzz(name: string, original: () => Promise<Uint8Array>, read: (bytes: Uint8Array) => unknown): void {
  test(`${inputs} broken copies of ${name}: each is read, or one clear error`, async () => {
    const whole = await original();
    await read(whole);
    const before = process.memoryUsage.rss();
    await fc.assert(
      fc.asyncProperty(mutations, async (changes) => {
        const bytes = mutated(whole, changes);
        const started = performance.now();
        try {
          await read(bytes);
        } catch (error) {
          if (!(error instanceof TouchstoneError)) throw error;
          assert.ok(error.message.length > 0);
        }
        assert.ok(performance.now() - started < LONGEST_MS, `took ${performance.now() - started} ms`);
      }),
      { numRuns: inputs, seed },
    );
    const grown = process.memoryUsage.rss() - before;
    assert.ok(grown < MOST_BYTES, `the process grew by ${grown / 2 ** 20} MiB`);
  });
}

/** For readers that open a file themselves. */
function fuzzFile(name: string, file: string, original: () => Promise<Uint8Array>, read: (path: string) => unknown) {
  let path: string | undefined;
  fuzz(name, original, async (bytes) => {
    path ??= join(await scratchFolder(), file);
    await writeFile(path, bytes);
    await read(path);
  });
}

const TOKENIZER = {
  version: "1.0",
  added_tokens: [{ id: 6, content: "<s>", special: true, normalized: false }],
  normalizer: null,
  pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
  post_processor: null,
  decoder: { type: "ByteLevel" },
  model: {
    type: "BPE",
    unk_token: null,
    vocab: { a: 0, b: 1, Ġ: 2, ab: 3, Ġa: 4, Ġab: 5 },
    merges: [
      ["a", "b"],
      ["Ġ", "a"],
      ["Ġ", "ab"],
    ],
  },
};

const fromCheckout =
  (...parts: string[]) =>
  () =>
    readFile(join(checkoutFolder, ...parts));
const fixture = (file: string) => fromCheckout("test", "storage", "fixtures", file);

async function storedLayer(): Promise<Uint8Array> {
  await loadBackend();
  const settings = settingsOf({ method: "spqr", bits: 3, outlierThreshold: 0.05 });
  const compressed = compressRandom(randomLayer(20, 32, 1), randomInputs(32, 1), settings);
  return encodeLayer(compressed, { name: "a.weight", rows: 20, columns: 32, settings, error: 1.25 });
}

const allRows = async (path: string) => {
  for await (const row of readRows(path)) assert.equal(typeof row, "object");
};
/** Everything that a model's file says: configuration, tokenizer's files, and the weights of a block. */
const wholeModel = async (path: string) => {
  const model = await loadModel(path);
  try {
    await model.block(0);
    await model.embedding();
  } finally {
    await model.close();
  }
};

const safetensorsOf = async () => join(await writeSmallModel(), "model.safetensors");
const intoModel = (file: string) => {
  let folder: Promise<string> | undefined;
  return async (bytes: Uint8Array) => {
    folder ??= writeSmallModel();
    await writeFile(join(await folder, file), bytes);
    await wholeModel(await folder);
  };
};
const text = (content: string) => async () => new TextEncoder().encode(content);

fuzzFile("a GGUF model", "model.gguf", async () => readFile(await writeSmallGguf()), wholeModel);
fuzz("a model's safetensors", async () => readFile(await safetensorsOf()), intoModel("model.safetensors"));
fuzz("a model's config.json", text(JSON.stringify(SMALL_CONFIG)), intoModel("config.json"));
fuzz("tokenizer.json", text(JSON.stringify(TOKENIZER)), (bytes) =>
  tokenizerFromFiles(new Map([["tokenizer.json", bytes]]), "model").encode("a b ab", {}),
);
fuzz("a compressed layer", storedLayer, (bytes) => readStoredLayer(bytes, "layer.arrow"));
fuzz(
  "a calibration set",
  async () => encodeSet(setOfTokens([Int32Array.of(1, 2, 3), Int32Array.of(4, 5, 6)])),
  (bytes) => decodeSet(bytes, "set.arrow"),
);
fuzz(
  "stored scores",
  async () => encodeScores(new Map([["a", { loglikelihood: -1.5, greedy: true }]])),
  (bytes) => decodeScores(bytes, "scores.arrow"),
);
fuzzFile("a study's YAML", "study.yaml", fromCheckout("studies", "quickstart.yaml"), async (path) =>
  parseStudySpec(await loadSpec(path)),
);
fuzzFile("JSON Lines", "rows.jsonl", fixture("documents.jsonl"), allRows);
fuzzFile("gzipped JSON Lines", "rows.jsonl.gz", async () => gzipSync(await fixture("documents.jsonl")()), allRows);
fuzzFile("Zstandard JSON Lines", "rows.jsonl.zst", fixture("zstd.jsonl.zst"), allRows);
fuzzFile("an Arrow stream", "rows.arrow", fixture("stream.arrow"), allRows);
fuzzFile("a Feather file", "rows.feather", fixture("zstd.feather"), allRows);
fuzzFile("a Parquet file", "rows.parquet", fixture("snappy.parquet"), allRows);
fuzzFile("a Zstandard Parquet file", "rows.zstd.parquet", fixture("zstd.parquet"), allRows);

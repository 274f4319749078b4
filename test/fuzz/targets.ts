import { readFileSync, writeFileSync } from "node:fs";
import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { readCalibration } from "../../calibration/read-calibration.js";
import { encodeSet, setOfTokens } from "../../calibration/set.js";
import { loadSpec } from "../../client/load-spec.js";
import { encodeLayer, readStoredLayer } from "../../compression/stored-layer.js";
import { taskNamed } from "../../evaluation/registry.js";
import { resolveTasks } from "../../evaluation/resolve-tasks.js";
import { decodeScores, encodeScores } from "../../evaluation/stored-scores.js";
import { parseQuantization } from "../../models/formats/quantization-config.js";
import { BLOCK_FORMATS } from "../../models/gguf-blocks.js";
import { readGgufHeader } from "../../models/gguf-header.js";
import { parseJson } from "../../models/json.js";
import { loadModel } from "../../models/load.js";
import { precompiledNormalizer } from "../../models/precompiled-charsmap.js";
import { readPytorchHeader } from "../../models/pytorch-header.js";
import { readSafetensorsHeader } from "../../models/safetensors-header.js";
import { writeSafetensors } from "../../models/safetensors-write.js";
import { tokenizerFromFiles } from "../../models/tokenizer-json.js";
import { loadGgufTokenizer } from "../../models/tokenizer-load.js";
import { sentencePieceTokenizerFiles } from "../../models/tokenizer-sentencepiece.js";
import { vocabMergesTokenizerFiles } from "../../models/tokenizer-vocab-merges.js";
import { entryStart, readZipDirectory } from "../../models/zip-directory.js";
import { decodeActivations, encodeActivations } from "../../storage/activations.js";
import { openCheckpoints } from "../../storage/checkpoints.js";
import type { DataFile } from "../../storage/files.js";
import { checkoutFolder } from "../../storage/home.js";
import { rowsOf } from "../../storage/rows.js";
import { parseStudySpec } from "../../study/spec.js";
import { compressRandom, settingsOf } from "../compression/every-method.js";
import { randomInputs, randomLayer } from "../compression/random-layer.js";
import { encodeGguf, type MetadataValue } from "../models/gguf-file.js";
import { encodeZip } from "../models/pytorch-file.js";
import { sentencePieceModel } from "../models/sentencepiece-file.js";
import { SMALL_CONFIG, SMALL_METADATA, smallGgufTensors, smallWeights } from "../models/small-model.js";
import { memoryStore } from "../storage/memory-store.js";

/** A reader, and a whole file that it takes. */
export interface Target {
  /** What is read; each has as many inputs as another, shared by its targets. */
  format: string;
  name: string;
  /** Of its format's inputs, beside the others' shares; 1 unless given. Few where a whole model is read each time. */
  share?: number;
  original: Uint8Array;
  read(bytes: Uint8Array): unknown;
}

/** Every reader of what comes from outside. @param folder for files, which is the targets' own */
export async function fuzzTargets(folder: string): Promise<Target[]> {
  return [...rowTargets(), ...(await modelTargets(folder)), ...(await storedTargets(folder)), ...yamlTargets(folder)];
}

function rowTargets(): Target[] {
  const inFile = (
    format: string,
    file: string,
    original: Uint8Array,
    stored = (bytes: Uint8Array) => bytes,
  ): Target => ({
    format,
    name: file,
    original,
    read: async (bytes) => {
      for await (const { fields } of rowsOf(inMemory(stored(bytes), file)))
        if (typeof fields !== "object") throw new TypeError("a row is no object");
    },
  });
  const some = fixture("documents.jsonl").subarray(0, 700);
  const lines = some.subarray(0, some.lastIndexOf(10) + 1);
  return [
    inFile("JSON Lines", "rows.jsonl", lines),
    inFile("gzip", "rows.jsonl.gz", gzipSync(lines)),
    inFile("gzip", "lines-within.jsonl.gz", lines, (bytes) => gzipSync(bytes, { level: 1 })),
    inFile("Zstandard", "zstd.jsonl.zst", fixture("zstd.jsonl.zst")),
    ...["stream.arrow", "uncompressed.feather", "zstd.feather"].map((file) => inFile("Arrow", file, fixture(file))),
    ...["none", "snappy", "gzip", "zstd", "brotli", "lz4", "delta"].map((codec) =>
      inFile("Parquet", `${codec}.parquet`, fixture(`${codec}.parquet`)),
    ),
  ];
}

async function modelTargets(folder: string): Promise<Target[]> {
  const model = join(folder, "model");
  await mkdir(model);
  const config = text(SMALL_CONFIG);
  writeFileSync(join(model, "config.json"), config);
  await writeSafetensors(join(model, "model.safetensors"), smallWeights(), { format: "pt" });
  const safetensors = readFileSync(join(model, "model.safetensors"));
  const [sharded, index] = [join(folder, "sharded"), "model.safetensors.index.json"];
  await mkdir(sharded);
  writeFileSync(join(sharded, "config.json"), config);
  writeFileSync(join(sharded, "model-00001-of-00001.safetensors"), safetensors);
  const weight_map = Object.fromEntries(
    Array.from(smallWeights().keys(), (key) => [key, "model-00001-of-00001.safetensors"]),
  );

  const torch = join(folder, "torch");
  const references = join(checkoutFolder, "test", "models", "references", "pytorch");
  await cp(join(references, "small"), torch, { recursive: true });
  writeFileSync(join(torch, "config.json"), config);
  const [torchIndex, torchShard] = ["pytorch_model.bin.index.json", "pytorch_model-00001-of-00002.bin"];
  const tensors = readFileSync(join(references, "tensors.bin"));
  const archive = await unzipped(tensors);

  const part = (format: string, of: string, file: string, original: Uint8Array): Target => ({
    format,
    name: file,
    share: 0.02,
    original,
    read: async (bytes) => {
      writeFileSync(join(of, file), bytes);
      try {
        await wholeModel(of);
      } finally {
        writeFileSync(join(of, file), original);
      }
    },
  });
  const ggufReferences = join(checkoutFolder, "test", "models", "references", "gguf-families");
  const ggufFile = (name: string, original: Uint8Array): Target => ({
    format: "GGUF",
    name,
    share: 0.02,
    original,
    read: async (bytes) => {
      writeFileSync(join(folder, name), bytes);
      await wholeModel(join(folder, name));
    },
  });
  const headerLength = Number(safetensors.readBigUInt64LE(0));
  return [
    ggufFile("model.gguf", encodeGguf(SMALL_METADATA, smallGgufTensors())),
    ggufFile("experts.gguf", readFileSync(join(ggufReferences, "qwen3_moe.gguf"))),
    {
      format: "GGUF",
      name: "GGUF header",
      original: encodeGguf(TOKENS_METADATA, []),
      read: (bytes) => readGgufHeader(inMemory(bytes)),
    },
    {
      format: "GGUF",
      name: "GGUF vocabulary",
      original: encodeGguf(TOKENS_METADATA, []),
      read: async (bytes) => {
        const { metadata } = await readGgufHeader(inMemory(bytes));
        const tokenizer = await loadGgufTokenizer(metadata, "model.gguf");
        tokenizer.decode(tokenizer.encode("a b ab"));
      },
    },
    {
      format: "GGUF",
      name: "GGUF blocks",
      original: Uint8Array.from({ length: 720 }, (_, i) => (i * 89) % 251),
      read: (bytes) => {
        // Whole blocks, as the header's checks leave them.
        for (const { bytes: width, decode } of BLOCK_FORMATS.values()) {
          decode(bytes.subarray(0, bytes.length - (bytes.length % width)));
        }
      },
    },
    part("safetensors", model, "model.safetensors", safetensors),
    {
      format: "safetensors",
      name: "safetensors header",
      original: safetensors.subarray(8, 8 + headerLength),
      read: (header) => {
        const length = Buffer.alloc(8);
        length.writeBigUInt64LE(BigInt(header.length));
        const data = safetensors.subarray(8 + headerLength);
        return readSafetensorsHeader(inMemory(Buffer.concat([length, header, data])));
      },
    },
    part("safetensors", sharded, index, text({ weight_map })),
    part("PyTorch", torch, torchShard, readFileSync(join(torch, torchShard))),
    part("PyTorch", torch, torchIndex, readFileSync(join(torch, torchIndex))),
    {
      format: "PyTorch",
      name: "pickle",
      original: archive.get(PICKLE)!,
      read: (bytes) => readPytorchHeader(inMemory(encodeZip(new Map([...archive, [PICKLE, bytes]])))),
    },
    ...[false, true].map(
      (wide): Target => ({
        format: "ZIP",
        name: wide ? "ZIP64 directory" : "ZIP directory",
        original: encodeZip(
          new Map([
            ["a/data.pkl", Uint8Array.of(1, 2)],
            ["a/data/0", new Uint8Array(8)],
          ]),
          wide,
        ),
        read: (bytes) => unzipped(bytes),
      }),
    ),
    part("configuration", model, "config.json", config),
    {
      format: "configuration",
      name: "quantization_config",
      original: text({ quant_method: "gptq", bits: 4, group_size: 128, sym: true, desc_act: false }),
      read: (bytes) => parseQuantization(parseJson(bytes, "config.json"), "config.json"),
    },
    {
      format: "tokenizer",
      name: "tokenizer.json",
      original: text(TOKENIZER),
      read: (bytes) => encodeWith(new Map([["tokenizer.json", bytes]])),
    },
    {
      format: "tokenizer",
      name: "precompiled_charsmap",
      original: CHARSMAP,
      read: (bytes) => precompiledNormalizer(Buffer.from(bytes).toString("base64"), "tokenizer.json")("a b a\u0301 ab"),
    },
    {
      format: "tokenizer",
      name: "tokenizer.model",
      original: sentencePieceModel({ pieces: SENTENCEPIECES }),
      read: (bytes) => encodeWith(sentencePieceTokenizerFiles(new Map([["tokenizer.model", bytes]]), "model")),
    },
    {
      format: "tokenizer",
      name: "vocab.json",
      original: text(TOKENIZER.model.vocab),
      read: (bytes) =>
        encodeWith(
          vocabMergesTokenizerFiles(
            new Map([
              ["vocab.json", bytes],
              ["merges.txt", new TextEncoder().encode("a b")],
            ]),
            "model",
          ),
        ),
    },
    {
      format: "tokenizer",
      name: "tokenizer_config.json",
      original: text({ bos_token: "<s>", eos_token: { content: "ab" }, add_bos_token: true }),
      read: (bytes) =>
        encodeWith(
          new Map([
            ["tokenizer.json", text(TOKENIZER)],
            ["tokenizer_config.json", bytes],
          ]),
        ),
    },
  ];
}

async function storedTargets(folder: string): Promise<Target[]> {
  const layer = async (method: object): Promise<Uint8Array> => {
    const settings = settingsOf(method);
    const compressed = compressRandom(randomLayer(20, 32, 1), randomInputs(32, 1), settings);
    return encodeLayer(compressed, { name: "a.weight", rows: 20, columns: 32, settings, error: 1.25 });
  };
  const set = (file: string, original: Uint8Array): Target => ({
    format: file.endsWith(".json") ? "token ids" : "stored results",
    name: file,
    original,
    read: async (bytes) => {
      writeFileSync(join(folder, file), bytes);
      await readCalibration(join(folder, file));
    },
  });
  const derivation = { step: "block", block: 3 };
  const { store, objects } = memoryStore();
  const checkpoints = openCheckpoints(store);
  await checkpoints.commit("block", derivation, { weight: Uint8Array.of(1, 2) }, { error: 0.5 });
  const [key] = Array.from(objects.keys()).filter((name) => name.endsWith(".json"));
  const states = {
    sequences: 2,
    tokens: 2,
    hiddenSize: 3,
    dtype: "float32",
    values: new Float32Array(12).fill(0.5),
  } as const;
  return [
    ...(await Promise.all(
      [
        { method: "spqr", bits: 3, outlierThreshold: 0.05 },
        { method: "wanda", pattern: "2:4" },
        { method: "wanda" },
      ].map(
        async (method): Promise<Target> => ({
          format: "stored results",
          name: `stored layer (${Object.values(method).join(" ")})`,
          original: await layer(method),
          read: (bytes) => readStoredLayer(bytes, "layer.arrow"),
        }),
      ),
    )),
    set("set.arrow", encodeSet(setOfTokens([Int32Array.of(1, 2, 3), Int32Array.of(4, 5, 6)]))),
    set(
      "set.json",
      text({
        input_ids: [
          [1, 2, 3],
          [4, 5, 6],
        ],
      }),
    ),
    {
      format: "stored results",
      name: "stored scores",
      original: encodeScores(new Map([["a", { loglikelihood: -1.5, greedy: true }]])),
      read: (bytes) => decodeScores(bytes, "scores.arrow"),
    },
    {
      format: "stored results",
      name: "stored hidden states",
      original: encodeActivations(states, 0),
      read: (bytes) => decodeActivations(bytes, "states.arrow"),
    },
    {
      format: "stored results",
      name: "stored hidden states of float16",
      original: encodeActivations({ ...states, dtype: "float16", values: new Uint16Array(12).fill(0x3800) }, 0),
      read: (bytes) => decodeActivations(bytes, "states.arrow"),
    },
    {
      format: "manifest",
      name: "manifest",
      original: objects.get(key) ?? new Uint8Array(),
      read: async (bytes) => {
        objects.clear();
        objects.set(key, bytes);
        await checkpoints.find("block", derivation);
      },
    },
  ];
}

function yamlTargets(folder: string): Target[] {
  const inFile = (format: string, file: string, original: Uint8Array, read: (path: string) => unknown): Target => ({
    format,
    name: file,
    original,
    read: (bytes) => {
      writeFileSync(join(folder, file), bytes);
      return read(join(folder, file));
    },
  });
  const specification = readFileSync(join(checkoutFolder, "studies", "miniature.yaml"), "utf8");
  const study = new TextEncoder().encode(specification.replaceAll(/\$\{\w+\}/g, "/data"));
  const task = readFileSync(join(checkoutFolder, "test", "evaluation", "tasks", "boolq.yaml"));
  const readStudy = async (path: string) => parseStudySpec(await loadSpec(path));
  const readTask = async (path: string) => {
    const { names, definitions } = await resolveTasks([path]);
    const question = { passage: "A.", question: "is it", label: 1 };
    for (const name of names) taskNamed(name, definitions).questions([question], (row) => `row ${row}`);
  };
  return [
    { ...inFile("study", "study.yaml", study, readStudy), share: 0.02 },
    inFile("study", "small-study.yaml", new TextEncoder().encode(SMALL_STUDY), readStudy),
    { ...inFile("task", "task.yaml", task, readTask), share: 0.02 },
    inFile("task", "small-task.yaml", new TextEncoder().encode(SMALL_TASK), readTask),
  ];
}

const SMALL_STUDY = `name: a
models: [{ id: m, path: /m }]
sources: [{ id: s, path: /s.jsonl }]
methods: [{ method: gptq, bits: 4 }]
calibration: { sizes: [2], length: 8, sets: 2 }
evaluation: { tasks: [piqa], data: /d, limit: 3 }
`;

const SMALL_TASK = `task: small
dataset_path: d
output_type: multiple_choice
test_split: test
doc_to_text: "{{passage}} {{question}}?"
doc_to_target: label
doc_to_choice: ["no", "yes"]
`;

/** Everything that a model's files say: configuration, names and shapes, and the weights of a block. */
async function wholeModel(path: string): Promise<void> {
  const model = await loadModel(path);
  try {
    await model.block(0);
    await model.embedding();
  } finally {
    await model.close();
  }
}

function encodeWith(files: ReadonlyMap<string, Uint8Array>): void {
  const tokenizer = tokenizerFromFiles(files, "model");
  tokenizer.decode(tokenizer.encode("a b ab"));
}

const PICKLE = "tensors/data.pkl";

async function unzipped(bytes: Uint8Array): Promise<Map<string, Uint8Array>> {
  const file = inMemory(bytes);
  const contents = new Map<string, Uint8Array>();
  for (const [name, entry] of await readZipDirectory(file)) {
    contents.set(name, await file.read(await entryStart(file, entry), entry.bytes));
  }
  return contents;
}

const SENTENCEPIECES = ["<unk>", "<s>", "</s>", "▁", "a", "b", "ab", "▁a"].map((piece, id) => ({
  piece,
  type: id === 0 ? 2 : id < 3 ? 3 : 1,
}));

/** A trie of the one character `a` (its node, and the place of its text), and the text that it becomes. */
const CHARSMAP = (() => {
  const units = new Uint32Array(0x62);
  units[0] = 1 << 10;
  units[1 ^ 0x61] = (1 << 10) | 0x100 | 0x61;
  units[1 ^ 0x61 ^ 1] = 0x80000000;
  const size = new Uint8Array(Uint32Array.of(units.byteLength).buffer);
  return Buffer.concat([size, new Uint8Array(units.buffer), Buffer.from("b\0")]);
})();

const TOKENIZER = {
  version: "1.0",
  added_tokens: [{ id: 6, content: "<s>", special: true, normalized: false }],
  normalizer: {
    type: "Sequence",
    normalizers: [{ type: "NFC" }, { type: "Replace", pattern: { String: "x" }, content: "a" }],
  },
  pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
  post_processor: {
    type: "TemplateProcessing",
    single: [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
    pair: [],
    special_tokens: { "<s>": { id: "<s>", ids: [6], tokens: ["<s>"] } },
  },
  decoder: { type: "ByteLevel" },
  model: {
    type: "BPE",
    unk_token: null,
    vocab: { a: 0, b: 1, Ġ: 2, ab: 3, Ġa: 4, Ġab: 5 },
    merges: ["a b", "Ġ a", "Ġ ab"],
  },
};

/** SentencePiece's kind, whose merges follow from scores. */
const TOKENS_METADATA: Readonly<Record<string, MetadataValue>> = {
  ...SMALL_METADATA,
  "tokenizer.ggml.model": "llama",
  "tokenizer.ggml.tokens": ["<unk>", "<s>", "</s>", "\u2581", "a", "b", "ab", "\u2581a"],
  "tokenizer.ggml.scores": [0, 0, 0, -1, -2, -3, -4, -5],
  "tokenizer.ggml.token_type": [2, 3, 3, 1, 1, 1, 1, 1],
  "tokenizer.ggml.bos_token_id": 1,
  "tokenizer.ggml.add_bos_token": true,
};

function inMemory(bytes: Uint8Array, uri = "memory"): DataFile {
  return {
    uri,
    size: bytes.length,
    version: "1",
    read: async (offset, length) => {
      if (offset + length > bytes.length) throw new RangeError("read beyond the file");
      return bytes.slice(offset, offset + length);
    },
    stream: async () => Readable.from([bytes]),
    close: async () => {},
  };
}

function fixture(file: string): Uint8Array {
  return readFileSync(join(checkoutFolder, "test", "storage", "fixtures", file));
}

function text(json: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(json));
}

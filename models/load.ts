import { stat } from "node:fs/promises";
import { fileExists, isS3, joinUri, listFiles, readFile } from "../storage/files.js";
import { TouchstoneError } from "../study/errors.js";
import { filesDigest } from "./digest.js";
import { parseQuantization, type Quantization } from "./formats/quantization-config.js";
import { quantizedSource } from "./formats/quantized-source.js";
import { type GgufFile, openGguf } from "./gguf.js";
import { parseJson } from "./json.js";
import type { Architecture, Model, ModelConfig } from "./model.js";
import { architectureOf } from "./registry.js";
import type { Tokenizer } from "./tokenizer.js";
import { loadFolderTokenizer, loadGgufTokenizer } from "./tokenizer-load.js";
import { openWeightFolder } from "./weight-folder.js";
import { checkWeights, readWeights, type WantedWeight, type WeightSource } from "./weights.js";

export const CONFIG_FILE = "config.json";
/** Where older GPTQ folders have what belongs into the configuration. */
export const QUANTIZE_FILE = "quantize_config.json";

/**
 * Opens a Hugging Face folder (safetensors, else `pytorch_model.bin`), a `.gguf` file, or an `s3://` address of either.
 * Quantized linears (GPTQ, compressed-tensors' pack-quantized) are read as the weights that they stand for. Names, shapes and
 * types of all weights are checked; the weights are read later, block by block.
 * @throws TouchstoneError UnknownModel where there is nothing at the path, InvalidModel for what is incomplete or corrupt,
 *   UnsupportedArchitecture, ShapeMismatch
 */
export async function loadModel(path: string): Promise<Model> {
  return path.endsWith(".gguf") ? loadGguf(path) : loadFolder(path);
}

async function loadGguf(path: string): Promise<Model> {
  if (!(await fileExists(path))) throw unknown(path);
  const source: GgufFile = await openGguf(path);
  return closingOnError(source, async () => ({
    source,
    huggingFace: source.huggingFace,
    digest: await filesDigest(new Map([["gguf", path]])),
    tokenizer: () => loadGgufTokenizer(source.metadata, path),
  }));
}

async function loadFolder(path: string): Promise<Model> {
  if (!(await exists(path))) throw unknown(path);
  const configUri = joinUri(path, CONFIG_FILE);
  if (!(await fileExists(configUri))) {
    throw new TouchstoneError("InvalidModel", {
      what: `The folder has no ${CONFIG_FILE}`,
      where: path,
      todo: "Give a Hugging Face model folder or a .gguf file.",
    });
  }
  const json = parseJson(await readFile(configUri), configUri);
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new TouchstoneError("InvalidModel", {
      what: "The configuration is not a JSON object",
      where: configUri,
      todo: "Fetch it again.",
    });
  }
  const { quantization_config, ...huggingFace } = json as Readonly<Record<string, unknown>>;
  const architecture = architectureOf(huggingFace, configUri);
  const config = architecture.readConfig(huggingFace, configUri);
  const { quantization, files } = await readQuantization(path, quantization_config);
  const [base] = architecture.blockWeightName(config, 0, "").split(".");
  const folder = await openWeightFolder(path, base);
  const named = [CONFIG_FILE, ...files, ...folder.files].map((name) => [name, joinUri(path, name)] as const);
  return closingOnError(folder, async () => ({
    source: quantization === undefined ? folder : await quantizedSource(folder, quantization, config.biases),
    huggingFace,
    digest: await filesDigest(new Map(named)),
    tokenizer: () => loadFolderTokenizer(path),
  }));
}

/** How the linears are stored, and the files besides the configuration that say so; undefined where they are plain. */
async function readQuantization(
  path: string,
  config: unknown,
): Promise<{ quantization?: Quantization; files: readonly string[] }> {
  const configUri = joinUri(path, CONFIG_FILE);
  if (config !== undefined && config !== null) return { quantization: parseQuantization(config, configUri), files: [] };
  const uri = joinUri(path, QUANTIZE_FILE);
  if (!(await fileExists(uri))) return { files: [] };
  return { quantization: parseQuantization(parseJson(await readFile(uri), uri), uri), files: [QUANTIZE_FILE] };
}

interface Parts {
  source: WeightSource;
  huggingFace: Readonly<Record<string, unknown>>;
  digest: string;
  tokenizer(): Promise<Tokenizer>;
}

async function closingOnError(source: WeightSource, parts: () => Promise<Parts>): Promise<Model> {
  try {
    return assemble(await parts());
  } catch (error) {
    await source.close();
    throw error;
  }
}

function assemble({ source, huggingFace, digest, tokenizer }: Parts): Model {
  const architecture = architectureOf(huggingFace, source.where);
  const config = architecture.readConfig(huggingFace, source.where);
  const embedding = sameNames(architecture.embeddingShapes(config));
  const head = sameNames(architecture.headShapes(config));
  const blocks = Array.from({ length: config.blocks }, (_, index) => wantedInBlock(architecture, config, index));
  checkWeights(
    source,
    [embedding, ...blocks, head].flatMap((wanted) => Array.from(wanted.values())),
  );
  return {
    path: source.where,
    digest,
    config,
    architecture,
    tokenizer: loadedOnce(async () => fitting(await tokenizer(), config, source.where)),
    embedding: () => readWeights(source, embedding),
    block: (index, without = new Set()) =>
      readWeights(source, new Map(Array.from(blocks[index]).filter(([name]) => !without.has(name)))),
    head: () => readWeights(source, head),
    close: () => source.close(),
  };
}

/** Reading a large vocabulary takes longer than scoring a tiny model. A failure isn't remembered: the file may be back. */
function loadedOnce<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  return () => {
    loading ??= load().catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    return loading;
  };
}

/** Added tokens may lie beyond the model's vocabulary: texts don't have them. */
function fitting(tokenizer: Tokenizer, { vocabSize }: ModelConfig, where: string): Tokenizer {
  if (tokenizer.vocabSize <= vocabSize) return tokenizer;
  throw new TouchstoneError("TokenizerMismatch", {
    what: `The tokenizer has ${tokenizer.vocabSize} tokens, but the model's vocabulary has only ${vocabSize}`,
    where,
    todo: "Put the model's own tokenizer beside its weights.",
  });
}

function sameNames(shapes: ReadonlyMap<string, readonly number[]>): ReadonlyMap<string, WantedWeight> {
  return new Map(Array.from(shapes, ([name, shape]) => [name, { stored: name, shape }]));
}

function wantedInBlock(
  architecture: Architecture,
  config: ModelConfig,
  index: number,
): ReadonlyMap<string, WantedWeight> {
  const shapes = Array.from(architecture.blockShapes(config, index));
  return new Map(
    shapes.map(([name, shape]) => [name, { stored: architecture.blockWeightName(config, index, name), shape }]),
  );
}

async function exists(path: string): Promise<boolean> {
  if (isS3(path)) return (await listFiles(path)).length > 0;
  return stat(path).then(
    () => true,
    () => false,
  );
}

function unknown(path: string): TouchstoneError {
  return new TouchstoneError("UnknownModel", {
    what: "There is no such model",
    where: path,
    todo: "Give the path or s3:// address of a Hugging Face folder or of a .gguf file.",
  });
}

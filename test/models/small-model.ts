import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { architectureOf } from "../../models/registry.js";
import { writeSafetensors } from "../../models/safetensors-write.js";
import { checkoutFolder } from "../../storage/home.js";
import { encodeGguf, floatBytes, type GgufTensor, type MetadataValue } from "./gguf-file.js";

export const SMALL_CONFIG = {
  architectures: ["LlamaForCausalLM"],
  model_type: "llama",
  vocab_size: 12,
  hidden_size: 8,
  intermediate_size: 6,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  max_position_embeddings: 64,
  tie_word_embeddings: false,
  torch_dtype: "float32",
};

export type SmallWeights = Map<string, { shape: readonly number[]; data: Float32Array }>;

/** Every weight that the configuration calls for, by its full name, with values that no two weights share. */
export function smallWeights(huggingFace: Readonly<Record<string, unknown>> = SMALL_CONFIG): SmallWeights {
  const where = "the test's configuration";
  const architecture = architectureOf(huggingFace, where);
  const config = architecture.readConfig(huggingFace, where);
  const blocks = Array.from({ length: config.blocks }, (_, index) =>
    Array.from(
      architecture.blockShapes(config, index),
      ([name, shape]) => [architecture.blockWeightName(config, index, name), shape] as const,
    ),
  );
  const shapes = new Map([
    ...architecture.embeddingShapes(config),
    ...blocks.flat(),
    ...architecture.headShapes(config),
  ]);
  let n = 0;
  return new Map(
    Array.from(shapes, ([name, shape]) => {
      const size = shape.reduce((product, length) => product * length, 1);
      return [name, { shape, data: Float32Array.from({ length: size }, () => Math.sin(++n)) }];
    }),
  );
}

/** A folder that is gone after the tests of the file. */
export async function scratchFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "touchstone-models-"));
  after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A folder with these files, by name. */
export async function folderWith(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const folder = await scratchFolder();
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return folder;
}

/** A Hugging Face folder; `config` and `weights` may differ from one another to make broken models. */
export async function writeSmallModel(
  weights: SmallWeights = smallWeights(),
  config: Readonly<Record<string, unknown>> = SMALL_CONFIG,
): Promise<string> {
  const folder = await scratchFolder();
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  await writeSafetensors(join(folder, "model.safetensors"), weights, { format: "pt" });
  return folder;
}

/** A folder of torch's files, in two shards; its weights are those of references/pytorch/small.safetensors. */
export async function writeTorchFolder(): Promise<string> {
  const folder = await scratchFolder();
  await cp(join(checkoutFolder, "test", "models", "references", "pytorch", "small"), folder, { recursive: true });
  await writeFile(join(folder, "config.json"), JSON.stringify(SMALL_CONFIG));
  return folder;
}

export const SMALL_METADATA: Readonly<Record<string, MetadataValue>> = {
  "general.architecture": "llama",
  "llama.block_count": 2,
  "llama.context_length": 64,
  "llama.embedding_length": 8,
  "llama.feed_forward_length": 6,
  "llama.attention.head_count": 2,
  "llama.attention.head_count_kv": 1,
  "llama.attention.layer_norm_rms_epsilon": 1e-5,
  "llama.rope.freq_base": 10000,
};

const GGUF_NAMES: readonly (readonly [string, string])[] = [
  ["model.embed_tokens", "token_embd"],
  ["model.norm", "output_norm"],
  ["lm_head", "output"],
  ["model.layers", "blk"],
  ["input_layernorm", "attn_norm"],
  ["self_attn.q_proj", "attn_q"],
  ["self_attn.k_proj", "attn_k"],
  ["self_attn.v_proj", "attn_v"],
  ["self_attn.o_proj", "attn_output"],
  ["post_attention_layernorm", "ffn_norm"],
  ["mlp.gate_proj", "ffn_gate"],
  ["mlp.up_proj", "ffn_up"],
  ["mlp.down_proj", "ffn_down"],
];

/** The same weights as a GGUF file of float32 tensors, with the rows of q and k in rotary pairs, as llama.cpp wants them. */
export function smallGgufTensors(weights: SmallWeights = smallWeights()): GgufTensor[] {
  return Array.from(weights, ([name, { shape, data }]) => {
    const heads = name.includes("q_proj") ? 2 : name.includes("k_proj") ? 1 : undefined;
    const rows = heads === undefined ? data : inRotaryPairs(data, shape[0], heads);
    const renamed = GGUF_NAMES.reduce((text, [from, to]) => text.replace(from, to), name);
    return { name: renamed, shape, type: 0, bytes: floatBytes(rows) };
  });
}

export async function writeSmallGguf(
  tensors: readonly GgufTensor[] = smallGgufTensors(),
  metadata: Readonly<Record<string, MetadataValue>> = SMALL_METADATA,
): Promise<string> {
  const path = join(await scratchFolder(), "model.gguf");
  await writeFile(path, encodeGguf(metadata, tensors));
  return path;
}

/** Row i of a head's first half, then row i of its second half, and so on. */
function inRotaryPairs(data: Float32Array, rows: number, heads: number): number[] {
  const columns = data.length / rows;
  const half = rows / heads / 2;
  const order = Array.from({ length: heads }, (_, head) =>
    Array.from({ length: half }, (_, i) => [head * 2 * half + i, head * 2 * half + half + i]),
  ).flat(2);
  return order.flatMap((row) => Array.from(data.subarray(row * columns, (row + 1) * columns)));
}

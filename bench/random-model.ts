import { loadModel } from "../models/load.js";
import type { Model, ModelConfig } from "../models/model.js";
import { architectureOf } from "../models/registry.js";
import { createModelFolder } from "../models/write-folder.js";
import { makeWeights } from "./random-llama.js";

export interface RandomShape {
  hiddenSize: number;
  intermediateSize: number;
  blocks: number;
  heads: number;
}

/** A LLaMA model of a given shape with random weights and another model's tokenizer, as a folder. */
export function writeRandomModel(from: string, shape: RandomShape, out: string): Promise<void> {
  return writeRandomFolder(from, ({ huggingFace }) => ({ ...huggingFace, ...llamaKeys(shape) }), {}, out);
}

/**
 * A model with random weights and another model's tokenizer, as a folder.
 * @param configured its config.json, of any architecture, from the other's
 * @param weights their seed and spread, as `makeWeights` takes them
 */
export async function writeRandomFolder(
  from: string,
  configured: (whole: ModelConfig) => Readonly<Record<string, unknown>>,
  { seed, spread }: { seed?: number; spread?: number },
  out: string,
): Promise<void> {
  const whole = await loadModel(from);
  try {
    const huggingFace = configured(whole.config);
    const architecture = architectureOf(huggingFace, out);
    const config = architecture.readConfig(huggingFace, out);
    const weights = makeWeights(seed, spread);
    const model: Model = {
      ...whole,
      architecture,
      config,
      embedding: async () => weights(architecture.embeddingShapes(config)),
      block: async (index) => weights(architecture.blockShapes(config, index)),
      head: async () => weights(architecture.headShapes(config)),
    };
    const folder = await createModelFolder(model, out, { dtype: "F32" });
    for (let block = 0; block < config.blocks; block++) await folder.writeBlock(block, await model.block(block));
    await folder.finish();
  } finally {
    await whole.close();
  }
}

export function llamaKeys({ hiddenSize, intermediateSize, blocks, heads }: RandomShape): Record<string, number> {
  return {
    ...{ hidden_size: hiddenSize, intermediate_size: intermediateSize, num_hidden_layers: blocks },
    ...{ num_attention_heads: heads, num_key_value_heads: heads, head_dim: hiddenSize / heads },
  };
}

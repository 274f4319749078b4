import { loadModel } from "../models/load.js";
import type { Model, ModelConfig } from "../models/model.js";
import { createModelFolder } from "../models/write-folder.js";
import { makeWeights } from "./random-llama.js";

export interface RandomShape {
  hiddenSize: number;
  intermediateSize: number;
  blocks: number;
  heads: number;
}

/** A LLaMA model of a given shape with random weights and another model's tokenizer, as a folder. */
export async function writeRandomModel(from: string, shape: RandomShape, out: string): Promise<void> {
  const whole = await loadModel(from);
  try {
    const { architecture, config, path } = whole;
    const own = architecture.readConfig(shaped(config, shape), path);
    const weights = makeWeights();
    const model: Model = {
      ...whole,
      config: own,
      embedding: async () => weights(architecture.embeddingShapes(own)),
      block: async (index) => weights(architecture.blockShapes(own, index)),
      head: async () => weights(architecture.headShapes(own)),
    };
    const folder = await createModelFolder(model, out, { dtype: "F32" });
    for (let block = 0; block < own.blocks; block++) await folder.writeBlock(block, await model.block(block));
    await folder.finish();
  } finally {
    await whole.close();
  }
}

function shaped({ huggingFace }: ModelConfig, { hiddenSize, intermediateSize, blocks, heads }: RandomShape) {
  return {
    ...huggingFace,
    ...{ hidden_size: hiddenSize, intermediate_size: intermediateSize, num_hidden_layers: blocks },
    ...{ num_attention_heads: heads, num_key_value_heads: heads, head_dim: hiddenSize / heads },
  };
}

import { llamaKeys, writeRandomFolder } from "../random-model.js";

/** Sizes that stand for the published ones, in their order: small enough that what a cell takes is mostly its orchestration. */
const HIDDEN = { small: 32, medium: 48, large: 64 } as const;
const BLOCKS = 2;
const HEADS = 2;
/** So wide that what these narrow models say depends on their weights, and on what compression does to them. */
const SPREAD = 0.7;
/** The tasks' longest requests are cut to it. */
const POSITIONS = 256;

/** What stands for a model of the published study: by family and size, with weights of its own. */
interface StandIn {
  family: "llama" | "opt";
  size: keyof typeof HIDDEN;
}

const standIns: Readonly<Record<string, StandIn>> = {
  "llama-7b": { family: "llama", size: "small" },
  "llama-13b": { family: "llama", size: "medium" },
  "llama-33b": { family: "llama", size: "large" },
  "vicuna-7b": { family: "llama", size: "small" },
  "vicuna-13b": { family: "llama", size: "medium" },
  "vicuna-33b": { family: "llama", size: "large" },
  "opt-6.7b": { family: "opt", size: "small" },
  "opt-13b": { family: "opt", size: "medium" },
  "opt-30b": { family: "opt", size: "large" },
};

/**
 * Writes a tiny model with random weights in place of one of the published study.
 * @param from a model whose tokenizer it has
 * @param id as `studies/model-size.yaml` names it
 */
export function writeStandIn(from: string, id: string, out: string): Promise<void> {
  const { family, size } = standIns[id];
  const hidden = HIDDEN[size];
  const common = { max_position_embeddings: POSITIONS, tie_word_embeddings: true };
  const seed = Object.keys(standIns).indexOf(id);
  return writeRandomFolder(
    from,
    ({ vocabSize, huggingFace }) =>
      family === "llama"
        ? {
            ...huggingFace,
            ...common,
            ...llamaKeys({ hiddenSize: hidden, intermediateSize: 3 * hidden, blocks: BLOCKS, heads: HEADS }),
          }
        : {
            ...{ architectures: ["OPTForCausalLM"], model_type: "opt", vocab_size: vocabSize },
            ...common,
            ...{ hidden_size: hidden, num_hidden_layers: BLOCKS, num_attention_heads: HEADS },
            ...{ ffn_dim: 4 * hidden, word_embed_proj_dim: hidden, torch_dtype: "float32" },
          },
    { seed, spread: SPREAD },
    out,
  );
}

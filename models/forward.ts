import * as tf from "@tensorflow/tfjs-core";
import { TouchstoneError } from "../study/errors.js";
import { toInputMajor } from "./architectures/layers.js";
import { checkParts, encoderTokens } from "./encoder-decoder.js";
import type { BlockState, HostTensor, HostWeights, Model, TokenTree, Weights } from "./model.js";

/** Tokens that go through a block at once. Part of the numerics: another number gives other roundings. */
export const CHUNK_TOKENS = 2048;

/** Sequences of `length` tokens that go through a block at once. */
export function chunkSize(length: number): number {
  return Math.max(1, Math.floor(CHUNK_TOKENS / length));
}

export function toTensors(host: HostWeights): Weights {
  return new Map(Array.from(host, ([name, { shape, data }]) => [name, tf.tensor(data, [...shape])]));
}

/** A block's weights for many products: its linears in the order in which those read them fastest. */
export function toLastingTensors({ architecture, config }: Model, index: number, host: HostWeights): Weights {
  const groups = architecture.stages(config, index, 1).flatMap((stage) => stage.groups);
  const linears = new Set(groups.flatMap((group) => group.linears));
  return new Map(
    Array.from(toTensors(host), ([name, tensor]) => [name, linears.has(name) ? toInputMajor(tensor) : tensor]),
  );
}

export function disposeAll(weights: Weights): void {
  tf.dispose(Array.from(weights.values()));
}

/**
 * Block `index` over `hidden` [sequences, tokens, hiddenSize], of the same shape after it. Disposes nothing that it was given.
 * @param tree where the rows are no plain sequences
 * @param kept the tokens whose outputs are wanted; others are left out once attention has read them
 */
export function runBlock(
  model: Model,
  index: number,
  weights: Weights,
  hidden: tf.Tensor3D,
  tree?: TokenTree,
  kept?: Int32Array,
): tf.Tensor3D {
  const stages = model.architecture.stages(model.config, index, hidden.shape[1], tree);
  return tf.tidy(() => {
    let state: BlockState = { hidden };
    let wanted = kept;
    for (const stage of stages) {
      const before = state;
      const input = (group: number) => tf.tidy(() => stage.groups[group].input(before, weights));
      state = tidyState(() => stage.next(before, input, weights));
      if (wanted === undefined || state.attention === undefined || model.config.encoderDecoder !== undefined) continue;
      // After attention, where there is only one, all is done token by token.
      const places = tf.tensor1d(wanted, "int32");
      state = { hidden: tf.gather(state.hidden, places, 1), attention: tf.gather(state.attention, places, 1) };
      wanted = undefined;
    }
    return wanted === undefined ? state.hidden : tf.gather(state.hidden, tf.tensor1d(wanted, "int32"), 1);
  });
}

/** As `tf.tidy`, for the state after a stage: all that was made for it and isn't in it is disposed. */
export function tidyState(make: () => BlockState): BlockState {
  let state: BlockState | undefined;
  tf.tidy(() => {
    state = make();
    return stateTensors(state);
  });
  return state!;
}

export function stateTensors({ hidden, attention }: BlockState): tf.Tensor3D[] {
  return attention === undefined ? [hidden] : [hidden, attention];
}

/** Token sequences cut into chunks: runs of sequences of one length, at most `chunkSize` of them. */
export function chunkSequences(sequences: readonly Int32Array[]): Int32Array[][] {
  const chunks: Int32Array[][] = [];
  for (const sequence of sequences) {
    const last = chunks.at(-1);
    const fits = last !== undefined && last[0].length === sequence.length && last.length < chunkSize(sequence.length);
    if (fits) last.push(sequence);
    else chunks.push([sequence]);
  }
  return chunks;
}

/** The embedding of each chunk (sequences of one length): [sequences, tokens, hiddenSize]; the caller disposes them. */
export async function embedChunks(model: Model, chunks: readonly (readonly Int32Array[])[]): Promise<tf.Tensor3D[]> {
  const embedded: tf.Tensor3D[] = [];
  for await (const chunk of embedEach(model, chunks)) embedded.push(chunk);
  return embedded;
}

/** As `embedChunks`, one after the other: those of a large set need not be in memory together. */
export async function* embedEach(
  model: Model,
  chunks: readonly (readonly Int32Array[])[],
): AsyncGenerator<tf.Tensor3D> {
  checkTokens(model, chunks.flat());
  checkParts(model, chunks.flat());
  const weights = toTensors(await model.embedding());
  try {
    for (const chunk of chunks) {
      yield tf.tidy(() => model.architecture.embed(model.config, tokenMatrix(chunk), weights));
    }
  } finally {
    disposeAll(weights);
  }
}

/**
 * Takes the chunks through all blocks, one block's weights at a time.
 * @param hidden block 0's inputs; they are disposed
 * @param before called with the inputs of each block before it runs; it must not dispose them
 * @returns the last block's outputs; the caller disposes them
 */
export async function walkBlocks(
  model: Model,
  hidden: readonly tf.Tensor3D[],
  before: (index: number, inputs: readonly tf.Tensor3D[]) => void | Promise<void> = () => {},
): Promise<tf.Tensor3D[]> {
  const current = [...hidden];
  for (let index = 0; index < model.config.blocks; index++) {
    try {
      await before(index, current);
      const weights = toTensors(await model.block(index));
      for (const [i, chunk] of current.entries()) {
        current[i] = runBlock(model, index, weights, chunk);
        chunk.dispose();
      }
      disposeAll(weights);
    } catch (error) {
      tf.dispose(current);
      throw error;
    }
  }
  return current;
}

/**
 * All logits [sequences, tokens, vocabSize] and the input of each block [blocks, sequences, tokens, hiddenSize], for
 * sequences of one length. Of an encoder-decoder logits are those of the tokens that the decoder is to give.
 * @throws TouchstoneError InvalidData for sequences of differing lengths, TokenizerMismatch for ids beyond the vocabulary
 */
export async function forwardTokens(
  model: Model,
  inputIds: readonly Int32Array[],
): Promise<{ logits: HostTensor; blockInputs: HostTensor }> {
  const [sequences, tokens] = [inputIds.length, inputIds[0]?.length ?? 0];
  if (tokens === 0 || inputIds.some(({ length }) => length !== tokens)) {
    throw new TouchstoneError("InvalidData", {
      what: "The token sequences must be of one length, and not empty",
      where: "input_ids",
      todo: "Cut or drop the shorter ones.",
    });
  }
  const { blocks, hiddenSize, vocabSize } = model.config;
  const blockInputs = new Float32Array(blocks * sequences * tokens * hiddenSize);
  const read = model.config.encoderDecoder === undefined ? 0 : encoderTokens(tokens);
  const logits = new Float32Array(sequences * (tokens - read) * vocabSize);
  const hidden = await embedChunks(model, chunkSequences(inputIds));
  let filled = 0;
  const last = await walkBlocks(model, hidden, async (_, inputs) => {
    for (const chunk of inputs) {
      const values = await chunk.data<"float32">();
      blockInputs.set(values, filled);
      filled += values.length;
    }
  });
  const head = toTensors(await model.head());
  filled = 0;
  // One sequence at a time: logits are the largest tensors of all.
  for (const sequence of last.flatMap(splitSequences)) {
    const scores = tf.tidy(() => {
      const rows = tf.slice(sequence, [read, 0]);
      return tf.transpose(model.architecture.logits(model.config, rows, head));
    });
    const values = await scores.data<"float32">();
    logits.set(values, filled);
    filled += values.length;
    tf.dispose([scores, sequence]);
  }
  disposeAll(head);
  return {
    logits: { shape: [sequences, tokens - read, vocabSize], data: logits },
    blockInputs: { shape: [blocks, sequences, tokens, hiddenSize], data: blockInputs },
  };
}

/** [sequences, tokens, width] -> [tokens, width] each; disposes what it was given. */
function splitSequences(hidden: tf.Tensor3D): tf.Tensor2D[] {
  const sequences = tf.unstack(hidden) as tf.Tensor2D[];
  hidden.dispose();
  return sequences;
}

function tokenMatrix(sequences: readonly Int32Array[]): tf.Tensor2D {
  const length = sequences[0].length;
  const flat = new Int32Array(sequences.length * length);
  sequences.forEach((sequence, i) => {
    flat.set(sequence, i * length);
  });
  return tf.tensor2d(flat, [sequences.length, length], "int32");
}

/**
 * @param where where the ids are from, for the message
 * @throws TouchstoneError TokenizerMismatch for ids beyond the vocabulary
 */
export function checkTokens(model: Model, sequences: readonly Int32Array[], where = model.path): void {
  const { vocabSize } = model.config;
  for (const sequence of sequences) {
    const bad = sequence.find((id) => id < 0 || id >= vocabSize);
    if (bad === undefined) continue;
    throw new TouchstoneError("TokenizerMismatch", {
      what: `Token id ${bad} is not in the model's vocabulary of ${vocabSize}`,
      where,
      todo: "Make the tokens with this model's own tokenizer.",
    });
  }
}

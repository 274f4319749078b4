import * as tf from "@tensorflow/tfjs-core";
import { stableRows } from "../models/architectures/layers.js";
import { disposeAll, runBlock, toLastingTensors, toTensors } from "../models/forward.js";
import type { Model } from "../models/model.js";
import { createShelf, disposeShelved, type Shelf, type Shelved } from "../tensor/shelf.js";
import { scoreTargets } from "./log-softmax.js";
import { hiddenStateBytes } from "./memory.js";
import type { Pack, Prediction } from "./packing.js";
import type { SequenceScore } from "./sequence-score.js";

export interface PackOptions {
  memory: number;
  /** Told how many tokens' worth of the work is done. */
  report(tokens: number): void;
}

/** Scores of the sequences of some packs, by the sequences' index, in one pass over the model. */
export async function scorePacks(
  model: Model,
  packs: readonly Pack[],
  { memory, report }: PackOptions,
): Promise<Map<number, SequenceScore>> {
  const scores = new Map<number, SequenceScore>();
  if (packs.length === 0) return scores;
  const lengths = packs.map(({ tokens }) => stableRows(tokens.length));
  const longest = lengths.reduce((most, length) => Math.max(most, length), 0);
  const shelf = createShelf(hiddenStateBytes(model, memory, longest));
  const states: Shelved[] = [];
  try {
    await embed(model, packs, lengths, states, shelf);
    await walk(model, packs, states, shelf, report);
    const head = toTensors(await model.head());
    for (const [row, { predictions }] of packs.entries()) {
      const hidden = await takeState(states, row);
      const tokens = await scoreTargets(model, head, hidden, targetsOf(predictions));
      hidden.dispose();
      for (const [i, { sequence }] of predictions.entries()) addToken(scores, sequence, tokens[i]);
    }
    disposeAll(head);
  } finally {
    disposeShelved(states);
  }
  return scores;
}

async function embed(
  model: Model,
  packs: readonly Pack[],
  lengths: readonly number[],
  states: Shelved[],
  shelf: Shelf,
) {
  const { config, architecture } = model;
  const weights = toTensors(await model.embedding());
  for (const [row, { tokens, tree }] of packs.entries()) {
    const ids = new Int32Array(lengths[row]);
    ids.set(tokens);
    const hidden = tf.tidy(() => architecture.embed(config, tf.tensor2d(ids, [1, ids.length]), weights, tree));
    states.push(await shelf.put(hidden));
  }
  disposeAll(weights);
}

/** Takes the packs through all blocks; of the last block's outputs those are left that predict. */
async function walk(
  model: Model,
  packs: readonly Pack[],
  states: Shelved[],
  shelf: Shelf,
  report: (tokens: number) => void,
) {
  const { blocks } = model.config;
  let steps = 0;
  for (let index = 0; index < blocks; index++) {
    const weights = toLastingTensors(model, index, await model.block(index));
    for (const [row, { tokens, tree, predictions }] of packs.entries()) {
      const before = await takeState(states, row);
      const kept = index === blocks - 1 ? keptPlaces(predictions) : undefined;
      const after = runBlock(model, index, weights, before, tree, kept);
      before.dispose();
      states[row] = await shelf.put(after);
      steps += tokens.length;
      report(Math.round(steps / (blocks + 1)));
    }
    disposeAll(weights);
  }
}

/** A row's hidden states, which leave the shelf. */
async function takeState(states: readonly Shelved[], row: number): Promise<tf.Tensor3D> {
  const hidden = await states[row].tensor();
  states[row].dispose();
  return hidden;
}

/** The different places of predictions in ascending order, and the first again as often as rows have to be filled. */
function keptPlaces(predictions: readonly Prediction[]): Int32Array {
  const places = Array.from(new Set(predictions.map(({ place }) => place)));
  return new Int32Array(stableRows(places.length)).fill(places[0]).map((first, i) => places[i] ?? first);
}

/** Where in the rows of `keptPlaces` each prediction is made. */
function targetsOf(predictions: readonly Prediction[]): { row: number; token: number }[] {
  let row = -1;
  return predictions.map(({ place, token }, i) => {
    if (i === 0 || predictions[i - 1].place !== place) row++;
    return { row, token };
  });
}

function addToken(
  scores: Map<number, SequenceScore>,
  sequence: number,
  { logProbability, greedy }: { logProbability: number; greedy: boolean },
): void {
  const { loglikelihood, greedy: before } = scores.get(sequence) ?? { loglikelihood: 0, greedy: true };
  scores.set(sequence, { loglikelihood: loglikelihood + logProbability, greedy: before && greedy });
}

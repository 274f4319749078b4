import * as tf from "@tensorflow/tfjs-core";
import type { BlockState, ExpertsConfig, LinearGroup, ModelConfig, Routing, Stage, Weights } from "../model.js";
import { gated, project, stableRows, weightOf } from "./layers.js";
import { route } from "./routing.js";

/** Names inside a block of the linears of a gated feed-forward part. */
export interface FeedForwardNames {
  gate: string;
  up: string;
  down: string;
}

/** Names inside a block of the weights of a mixture of experts. */
export interface ExpertNames {
  /** [count, hiddenSize] */
  router: string;
  expert(index: number): FeedForwardNames;
  /** The expert that every token goes through, and [1, hiddenSize], whose product's sigmoid is what that counts for. */
  shared?: FeedForwardNames & { shareGate: string };
}

/** The input of the feed-forward part: `hidden` of any rows, normalized. */
type Normed = (state: Pick<BlockState, "hidden">, weights: Weights) => tf.Tensor3D;

type Shape = readonly [string, readonly number[]];

/** Shapes of the weights of a block's experts, its router and what else belongs to them. */
export function expertShapes(config: ModelConfig, { router, expert, shared }: ExpertNames): Shape[] {
  const { count, intermediateSize, sharedIntermediateSize } = expertsOf(config);
  const { hiddenSize } = config;
  const shapes = ({ gate, up, down }: FeedForwardNames, size: number): Shape[] => [
    [gate, [size, hiddenSize]],
    [up, [size, hiddenSize]],
    [down, [hiddenSize, size]],
  ];
  const ofShared: Shape[] =
    shared === undefined || sharedIntermediateSize === null
      ? []
      : [...shapes(shared, sharedIntermediateSize), [shared.shareGate, [1, hiddenSize]]];
  return [
    [router, [count, hiddenSize]],
    ...Array.from({ length: count }, (_, index) => shapes(expert(index), intermediateSize)).flat(),
    ...ofShared,
  ];
}

/**
 * The feed-forward part of a block with experts (Shazeer et al. 2017, arXiv 1701.06538, section 2): the router, the gates and
 * ups of all experts, their downs. An expert's linears see the rows that are routed to it; the router and the gate of the
 * shared expert are among no stage's linears, and stay as they are.
 */
export function expertStages(config: ModelConfig, names: ExpertNames, normed: Normed): Stage[] {
  const experts = expertsOf(config);
  const { shared: sharedNames } = names;
  const routed = Array.from({ length: experts.count }, (_, index) => {
    const products = inStableRows(productsOf(config, names.expert(index)), experts.intermediateSize);
    return expertOf(names.expert(index), products, routedRows(config, index, normed));
  });
  const shared = sharedNames && expertOf(sharedNames, productsOf(config, sharedNames), normed);
  const all = shared === undefined ? routed : [...routed, shared];
  return [
    {
      groups: [],
      next: ({ hidden }, _, weights) => {
        const shareGate = sharedNames && weightOf(weights, sharedNames.shareGate);
        return {
          hidden,
          routing: route(normed({ hidden }, weights), weightOf(weights, names.router), shareGate, experts),
        };
      },
    },
    {
      groups: all.map(({ gates }) => gates),
      // The next stage computes these linears itself: their outputs would be the largest activations kept.
      next: (state) => state,
    },
    {
      groups: all.map(({ down }) => down),
      next: ({ hidden, routing }, input, weights) => {
        const given = routingOf(routing);
        const results = routed.flatMap(({ output }, index) => {
          const shares = given.shares(index);
          return shares.length === 0 ? [] : [tf.tidy(() => weighted(output(input(index), weights), shares))];
        });
        const mixed = addChosen(results, given, experts.perToken);
        const sharedShares = given.sharedShares();
        const sum =
          shared === undefined || sharedShares === undefined
            ? mixed
            : tf.add(mixed, weighted(shared.output(input(routed.length), weights), sharedShares));
        return { hidden: tf.add(hidden, tf.reshape(sum, hidden.shape)) };
      },
    },
  ];
}

/** What an expert computes for rows of its input, each by itself. */
interface Products {
  /** act(gate) * up: the input of `down` */
  inner(rows: tf.Tensor3D, weights: Weights): tf.Tensor3D;
  /** For what `inner` gives. */
  outer(rows: tf.Tensor3D, weights: Weights): tf.Tensor3D;
}

function productsOf({ activation }: ModelConfig, { gate, up, down }: FeedForwardNames): Products {
  return {
    inner: (rows, weights) => gated(project(rows, weights, gate), project(rows, weights, up), activation),
    outer: (rows, weights) => project(rows, weights, down),
  };
}

/** The same with so many rows as give each the same bits however many there are. @param innerSize columns of what `inner` gives */
function inStableRows({ inner, outer }: Products, innerSize: number): Products {
  const padded = (input: tf.Tensor3D, make: (rows: tf.Tensor3D) => tf.Tensor3D): tf.Tensor3D => {
    const rows = input.shape[1];
    const before = [0, 0] as [number, number];
    const more = tf.pad(input, [before, [0, stableRows(rows) - rows], before]);
    return tf.slice(make(more), [0, 0, 0], [1, rows, -1]);
  };
  return {
    inner: (input, weights) => (input.size === 0 ? noRows(innerSize) : padded(input, (rows) => inner(rows, weights))),
    outer: (input, weights) => padded(input, (rows) => outer(rows, weights)),
  };
}

interface Expert {
  gates: LinearGroup;
  down: LinearGroup;
  /** What it gives for the input of its `down`. */
  output: Products["outer"];
}

function expertOf(names: FeedForwardNames, { inner, outer }: Products, input: LinearGroup["input"]): Expert {
  return {
    gates: { linears: [names.gate, names.up], input },
    down: { linears: [names.down], input: (state, weights) => inner(input(state, weights), weights) },
    output: outer,
  };
}

/** The input of a routed expert: its rows alone. */
function routedRows({ hiddenSize }: ModelConfig, index: number, normed: Normed): LinearGroup["input"] {
  return ({ hidden, routing }, weights) => {
    const rows = routingOf(routing).rows(index);
    if (rows.length === 0) return noRows(hiddenSize);
    const chosen = tf.gather(tf.reshape(hidden, [-1, hiddenSize]), tf.tensor1d(rows, "int32"));
    return normed({ hidden: tf.reshape(chosen, [1, rows.length, hiddenSize]) }, weights);
  };
}

function noRows(columns: number): tf.Tensor3D {
  return tf.zeros([1, 0, columns]);
}

/** Results as rows, each times what it counts for. */
function weighted(results: tf.Tensor3D, shares: Float32Array): tf.Tensor2D {
  const rows = tf.reshape<tf.Rank.R2>(results, [shares.length, results.shape[2]]);
  return tf.mul(rows, tf.tensor2d(shares, [shares.length, 1]));
}

/** The sum of each row's results, in the experts' order. @param results of each expert that has rows */
function addChosen(results: readonly tf.Tensor2D[], routing: Routing, perToken: number): tf.Tensor2D {
  const all = tf.concat([...results]);
  const chosen = Array.from({ length: perToken }, (_, choice) =>
    tf.gather(all, tf.tensor1d(routing.places(choice), "int32")),
  );
  return chosen.reduce((sum, each) => tf.add(sum, each));
}

function expertsOf({ experts }: ModelConfig): ExpertsConfig {
  if (experts === undefined) throw new RangeError("the model has no experts");
  return experts;
}

function routingOf(routing: Routing | undefined): Routing {
  if (routing === undefined) throw new RangeError("the router's stage has not run");
  return routing;
}

import * as tf from "@tensorflow/tfjs-core";
import { fusedOps } from "../../tensor/fused-ops.js";
import type { TokenTree } from "../model.js";
import type { RotaryTables } from "../rotary.js";
import type { AttentionShape } from "./attention.js";
import { softcapped } from "./layers.js";
import { rotate } from "./rotate.js";
import { type TileBatch, tilesOf } from "./tree-tiles.js";

/**
 * Grouped-query attention with rotary embedding over a row of sequences that share beginnings. A token's result depends on the
 * tokens that it sees alone, bit for bit: each stands at its own position among the keys, products and sums have fixed
 * shapes, and what is beyond a sequence adds zeros at the end. Memory grows with the tokens seen, not with the row's square.
 * @param q [1, rows, heads * headDim]
 * @param k, v [1, rows, keyValueHeads * headDim]
 * @param tree the first rows; those after it are padding
 * @returns [1, rows, heads * headDim]
 */
export function treeAttention(
  q: tf.Tensor3D,
  k: tf.Tensor3D,
  v: tf.Tensor3D,
  tables: RotaryTables,
  tree: TokenTree,
  shape: AttentionShape,
): tf.Tensor3D {
  const fused = shape.softcap === undefined ? fusedOps() : undefined;
  if (fused !== undefined) return fused.attention(q, k, v, { ...tables, ...shape, parents: tree.parents });
  const { heads, keyValueHeads, headDim } = shape;
  const rows = q.shape[1];
  const queries = rotateRows(q, tables, heads, headDim ** -0.5);
  const keys = rotateRows(k, tables, keyValueHeads, 1);
  const values = tf.reshape<tf.Rank.R2>(v, [rows * keyValueHeads, headDim]);
  const { batches, slots } = tilesOf(tree, rows, shape);
  const attended = batches.map((batch) => tf.tidy(() => attendTiles(batch, queries, keys, values, shape)));
  const all = attended.length === 1 ? attended[0] : tf.concat(attended);
  return tf.reshape(tf.gather(all, tf.tensor1d(slots, "int32")), [1, rows, heads * headDim]);
}

/** The queries of some tiles over the keys up to each of them. -> [tiles * heads * size, headDim] */
function attendTiles(
  { tiles, size, panels, keysEach, queryRows, keyRows, mask }: TileBatch,
  queries: tf.Tensor2D,
  keys: tf.Tensor2D,
  values: tf.Tensor2D,
  { heads, keyValueHeads, headDim, softcap }: AttentionShape,
): tf.Tensor2D {
  // The query heads that share a key-value head stand together, so they are one matrix of more rows.
  const rows = (heads / keyValueHeads) * size;
  const asking = tf.tensor(queryRows, [tiles, 1, keyValueHeads, rows], "int32");
  const seen = tf.tensor(keyRows, [tiles, panels, keyValueHeads, keysEach], "int32");
  const scores = softcapped(tf.matMul(tf.gather(queries, asking), tf.gather(keys, seen), false, true), softcap);
  const masked = tf.add(scores, tf.tensor(mask, [tiles, panels, 1, rows, keysEach]));
  const shares = tf.exp(tf.sub(masked, tf.max(masked, panels === 1 ? 4 : [1, 4], true)));
  const sum = addPanels(tf.matMul(shares, tf.gather(values, seen)), panels);
  const total = addPanels(tf.sum(shares, 4, true), panels);
  return tf.reshape(tf.div(sum, total), [tiles * heads * size, headDim]);
}

/** [tiles, panels, ...], one after the other: an order that further panels of zeros don't change, unlike that of `tf.sum`. */
function addPanels(parts: tf.Tensor, panels: number): tf.Tensor {
  if (panels === 1) return parts;
  const [first, ...others] = tf.unstack(parts, 1);
  return others.reduce((sum, part) => tf.add(sum, part), first);
}

/** [1, rows, heads * headDim] -> [rows * heads, headDim], rotated, times `scale`. */
function rotateRows(x: tf.Tensor3D, tables: RotaryTables, heads: number, scale: number): tf.Tensor2D {
  const rows = x.shape[1];
  const headDim = x.shape[2] / heads;
  const rotaryDim = tables.cos.length / rows;
  const byHead = tf.reshape<tf.Rank.R3>(x, [rows, heads, headDim]);
  const rotated = rotate(byHead, tables, rotaryDim, scale, (values) =>
    tf.tensor3d(scale === 1 ? values : values.map((value) => value * scale), [rows, 1, rotaryDim]),
  );
  return tf.reshape(rotated, [rows * heads, headDim]);
}

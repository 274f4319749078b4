import { grouped } from "../../study/grouped.js";
import type { TokenTree } from "../model.js";
import type { AttentionShape } from "./attention.js";

/** Keys in one product, and tokens of one sequence that ask at once, the fewest that hold them. Part of the numerics. */
const KEYS = 64;
const SIZES = [8, 32, 128] as const;

/** Eigen takes another kernel for products of fewer operations, which would add in another order. */
const SMALL_PRODUCT = 2 ** 14;

/** Bounds what is gathered for one batch of tiles: 16 MiB of keys, values and scores. */
const BATCH_FLOATS = 2 ** 22;

/** Tiles of one size that see equally many panels of keys. All indices are rows of matrices that have a row a head. */
export interface TileBatch {
  tiles: number;
  /** Queries a tile. */
  size: number;
  /** Pieces of `keysEach` keys that a tile sees. */
  panels: number;
  keysEach: number;
  /** [tiles, heads, size] */
  queryRows: Int32Array;
  /** [tiles, panels, keyValueHeads, keysEach] */
  keyRows: Int32Array;
  /** 0 where a query sees a key, else -infinity: [tiles, panels, query heads of a key-value head, size, keysEach] */
  mask: Float32Array;
}

/** Consecutive tokens of one sequence, at consecutive places. */
interface Tile {
  place: number;
  length: number;
  size: number;
  panels: number;
}

/**
 * Cuts the tokens of a tree into tiles.
 * @returns the batches, and where the result of each row and head stands among those of all batches [rows, heads]; rows beyond
 *   the tree have that of the first
 */
export function tilesOf(
  tree: TokenTree,
  rows: number,
  shape: AttentionShape,
): { batches: TileBatch[]; slots: Int32Array } {
  const { heads, headDim, keyValueHeads } = shape;
  const sizes = SIZES.filter((size) => size * KEYS * headDim > SMALL_PRODUCT || size === SIZES.at(-1));
  const slots = new Int32Array(rows * heads);
  const batches: TileBatch[] = [];
  let filled = 0;
  for (const alike of groupAlike(cutTiles(tree, sizes))) {
    const { size, panels } = alike[0];
    const floats = panels * KEYS * (2 * keyValueHeads * headDim + 3 * heads * size);
    const most = Math.max(1, Math.floor(BATCH_FLOATS / floats));
    for (let start = 0; start < alike.length; start += most) {
      const tiles = alike.slice(start, start + most);
      batches.push(makeBatch(tree, tiles, shape));
      tiles.forEach(({ place, length }, t) => {
        for (let i = 0; i < length; i++) {
          for (let head = 0; head < heads; head++) {
            slots[(place + i) * heads + head] = filled + (t * heads + head) * size + i;
          }
        }
      });
      filled += tiles.length * heads * size;
    }
  }
  for (let row = tree.parents.length; row < rows; row++) slots.copyWithin(row * heads, 0, heads);
  return { batches, slots };
}

function cutTiles({ parents, positions }: TokenTree, sizes: readonly number[]): Tile[] {
  const tiles: Tile[] = [];
  for (let start = 0, end = 1; start < parents.length; start = end, end++) {
    while (end < parents.length && parents[end] === end - 1) end++;
    for (let place = start; place < end; ) {
      const left = end - place;
      // The largest that is at least half full, so that little is computed for nothing.
      const size = sizes.findLast((each) => 2 * left > each) ?? sizes[0];
      const length = Math.min(size, left);
      tiles.push({ place, length, size, panels: Math.ceil((positions[place] + length) / KEYS) });
      place += length;
    }
  }
  return tiles;
}

function groupAlike(tiles: readonly Tile[]): Tile[][] {
  return grouped(tiles, ({ size, panels }) => `${size} ${panels}`).map(([, alike]) => alike);
}

function makeBatch(
  { parents, positions }: TokenTree,
  tiles: readonly Tile[],
  { heads, keyValueHeads, window }: AttentionShape,
): TileBatch {
  const { size, panels } = tiles[0];
  const queryRows = new Int32Array(tiles.length * heads * size);
  const keyRows = new Int32Array(tiles.length * panels * keyValueHeads * KEYS);
  const group = heads / keyValueHeads;
  const mask = new Float32Array(tiles.length * panels * group * size * KEYS).fill(Number.NEGATIVE_INFINITY);
  tiles.forEach(({ place, length }, t) => {
    for (let head = 0; head < heads; head++) {
      const row = (t * heads + head) * size;
      for (let i = 0; i < size; i++) queryRows[row + i] = (place + (i < length ? i : 0)) * heads + head;
    }
    const chain = chainOf(parents, place + length - 1, positions[place] + length, panels * KEYS);
    for (let panel = 0; panel < panels; panel++) {
      for (let head = 0; head < keyValueHeads; head++) {
        const row = ((t * panels + panel) * keyValueHeads + head) * KEYS;
        for (let i = 0; i < KEYS; i++) keyRows[row + i] = chain[panel * KEYS + i] * keyValueHeads + head;
      }
      for (let row = 0; row < group * size; row++) {
        const i = row % size;
        const end = positions[place] + (i < length ? i : 0) + 1 - panel * KEYS;
        const first = window === null ? 0 : Math.max(0, end - window);
        const start = ((t * panels + panel) * group * size + row) * KEYS;
        if (end > 0) mask.fill(0, start + Math.min(first, KEYS), start + Math.min(end, KEYS));
      }
    }
  });
  return { tiles: tiles.length, size, panels, keysEach: KEYS, queryRows, keyRows, mask };
}

/** The places of a sequence's tokens by position, up to `last`; after them its first, which the mask hides. */
function chainOf(parents: Int32Array, last: number, length: number, capacity: number): Int32Array {
  const chain = new Int32Array(capacity);
  for (let place = last, position = length - 1; position >= 0; position--, place = parents[place]) {
    chain[position] = place;
  }
  return chain.fill(chain[0], length);
}

import assert from "node:assert/strict";
import { test } from "node:test";
import type { BlockFacts } from "../../activities/block-facts.js";
import { layerErrorsOf } from "../../activities/layer-errors.js";

type Described = BlockFacts["layers"][number];

const layer = (name: string, error: number | null, energy?: number): Described => ({
  name,
  error,
  damping: null,
  ...(energy === undefined ? {} : { energy }),
});
const block = (...layers: Described[]): BlockFacts => ({
  ...{ weights: 0, bits: 0, zeros: 0, error: null, layers },
  seconds: { read: 0, capture: 0, solve: 0, forward: 0 },
});

test("errors are shares of the outputs' energy, in four digits", () => {
  const { layers } = layerErrorsOf([
    block(layer("mlp.up_proj.weight", 1, 3)),
    block(layer("mlp.up_proj.weight", 0, 5)),
  ]);
  assert.deepEqual(layers, { linears: ["mlp.up_proj"], blocks: [[0.3333], [0]] });
});

test("experts of a block count as one linear, those that no token reached as nothing, and a block may have none", () => {
  const experts = [layer("mlp.experts.0.up_proj.weight", 1, 10), layer("mlp.experts.11.up_proj.weight", 2, 5)];
  const unseen: Described = { ...layer("mlp.experts.2.up_proj.weight", 0), unseen: "dense" };
  const alone: Described = { ...layer("mlp.experts.0.up_proj.weight", 0), unseen: "rtn" };
  const { layers } = layerErrorsOf([block(...experts, unseen), block(alone), block(layer("mlp.up_proj.weight", 1, 4))]);
  assert.deepEqual(layers, {
    linears: ["mlp.experts.up_proj", "mlp.up_proj"],
    blocks: [
      [0.2, null],
      [null, null],
      [null, 0.25],
    ],
  });
});

test("methods without second moments, blocks of earlier versions and the dense model have none", () => {
  assert.deepEqual(layerErrorsOf([block(layer("a.weight", null))]), {});
  assert.deepEqual(layerErrorsOf([block(layer("a.weight", 1, 2)), block(layer("a.weight", 1))]), {});
  assert.deepEqual(layerErrorsOf([]), {});
});

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { BlockWalk, type GroupInput } from "../../compression/block-walk.js";
import { describeLayers } from "../../compression/compress-block.js";
import { replaced } from "../../compression/compress-model.js";
import { blockStages } from "../../compression/linears.js";
import { chunkSequences, disposeAll, embedChunks, runBlock, toTensors } from "../../models/forward.js";
import { loadModel } from "../../models/load.js";
import type { BlockState, HostTensor, HostWeights, Model } from "../../models/model.js";
import { loadBackend } from "../../tensor/backend.js";
import { createShelf, disposeShelved } from "../../tensor/shelf.js";
import { madeReferences } from "../models/reference-folder.js";
import { scratchFolder } from "../models/small-model.js";
import { settingsOf } from "./every-method.js";
import { compressTensors, memoryShelf, shelvedCopies } from "./tensor-block.js";

/** Two lengths, so two chunks. */
const sequences = [24, 24, 17].map((length, s) => Int32Array.from({ length }, (_, i) => (7 * i + 13 * s) % 64));
/** Of the block's stages: attention's two and the router come before. */
const [GATES, DOWNS] = [3, 4];

process.env.TOUCHSTONE_HOME = await scratchFolder();

const methods: object[] = [
  { method: "rtn", groupSize: 8 },
  { method: "gptq", bits: 3, groupSize: 8, blockSize: 16 },
  { method: "gptq", bits: 3, groupSize: 8, blockSize: 16, trueSequential: false, unseen: "rtn" },
  { method: "spqr", bits: 3, groupSize: 8, blockSize: 16 },
  { method: "sparsegpt", pattern: "2:4", blockSize: 16 },
  { method: "sparsegpt", sparsity: 0.4, blockSize: 16, unseen: "magnitude" },
  { method: "wanda", pattern: "2:4" },
  { method: "wanda", sparsity: 0.4, trueSequential: true, unseen: "magnitude" },
  { method: "magnitude", pattern: "2:4" },
];

interface Opened {
  model: Model;
  weights: HostWeights;
  inputs: tf.Tensor3D[];
}

async function openBlock(family: string): Promise<Opened> {
  const model = await loadModel(join(madeReferences, family));
  return { model, weights: await model.block(0), inputs: await embedChunks(model, chunkSequences(sequences)) };
}

describe("experts", () => {
  let opened: Record<"mixtral" | "qwen2_moe", Opened>;
  before(async () => {
    await loadBackend();
    opened = { mixtral: await openBlock("mixtral"), qwen2_moe: await openBlock("qwen2_moe") };
  });
  after(async () => {
    for (const { model, inputs } of Object.values(opened)) {
      tf.dispose(inputs);
      await model.close();
    }
  });

  for (const kind of ["secondMoment", "inputNorms"] as const) {
    it(`${kind} of an expert's input is that of the tokens routed to it alone, as a plain computation has it`, async () => {
      const { model, weights, inputs } = opened.mixtral;
      const stages = blockStages(model, 0);
      const rows = inputs.flatMap((chunk) => plainRows(model, weights, chunk));
      const shelf = memoryShelf();
      const given = await shelvedCopies(inputs, shelf);
      const walk = new BlockWalk(model, 0, weights, given, shelf);
      let passed = 0;
      for (const [stage, values] of [
        [GATES, ({ input }: PlainRow) => input],
        [DOWNS, ({ input }: PlainRow, expert: number) => plainInner(weights, input, expert)],
      ] as const) {
        while (passed < stage) {
          await walk.advance();
          passed++;
        }
        for (const [expert, group] of stages[stage].entries()) {
          const routed = rows.filter(({ experts }) => experts.includes(expert));
          assert.ok(routed.length > 0 && routed.length < rows.length);
          const of: GroupInput = { columns: group[0].columns, where: group[0].tensor };
          const found = await walk.collect(kind, expert, of);
          const wanted = plainMoment(routed.map((row) => values(row, expert)));
          assert.ok("sequences" in found && found.sequences === sequences.length);
          if ("hessian" in found) assertClose(found.hessian, wanted.hessian);
          else assertClose("meanSquares" in found ? found.meanSquares : [], wanted.meanSquares);
        }
      }
      walk.dispose();
      disposeShelved(given);
    });
  }

  for (const family of ["mixtral", "qwen2_moe"] as const) {
    for (const json of methods) {
      it(`${family}, ${JSON.stringify(json)}: every linear is compressed, and outputs are the block's own`, async () => {
        const { model, weights, inputs } = opened[family];
        const before = tf.memory().numTensors;
        const { layers, outputs } = await compressTensors(model, 0, weights, inputs, settingsOf(json));
        assert.equal(tf.memory().numTensors, before + inputs.length);
        const names = blockStages(model, 0).flat(2);
        assert.deepEqual(layers.map(({ name }) => name).toSorted(), names.map(({ name }) => name).toSorted());
        for (const { name, compressed } of layers) {
          assert.equal(compressed.unseen, undefined);
          assert.notDeepEqual(compressed.weight, weights.get(name)!.data, name);
        }
        const compressed = toTensors(replaced(weights, layers));
        for (const [i, output] of outputs.entries()) {
          const expected = runBlock(model, 0, compressed, inputs[i]);
          assert.deepEqual(output.dataSync(), expected.dataSync());
          expected.dispose();
        }
        tf.dispose(outputs);
        disposeAll(compressed);
      });
    }
  }

  for (const json of methods) {
    it(`${JSON.stringify(json)}: experts without tokens are compressed as \`unseen\` says, and named`, async () => {
      const { model, weights, inputs } = opened.mixtral;
      const settings = settingsOf(json);
      // With equal shares all tokens go to the first two of the five.
      const router = weights.get("block_sparse_moe.gate.weight")!;
      const given = new Map<string, HostTensor>([
        ...weights,
        ["block_sparse_moe.gate.weight", { ...router, data: new Float32Array(router.data.length) }],
      ]);
      const { layers, outputs } = await compressTensors(model, 0, given, inputs, settings);
      const needsData = settings.method !== "rtn" && settings.method !== "magnitude";
      const became = "unseen" in settings && settings.unseen !== undefined ? settings.unseen : "dense";
      const described = describeLayers(layers);
      for (const [i, { name, compressed, error }] of layers.entries()) {
        const isUnseen = needsData && /experts\.[234]\./.test(name);
        assert.equal(compressed.unseen, isUnseen ? became : undefined, name);
        assert.equal(described[i].unseen, compressed.unseen);
        const isDense = compressed.weight.every((value, at) => value === weights.get(name)!.data[at]);
        assert.equal(isDense, isUnseen && became === "dense", name);
        if (isUnseen) assert.equal(error, settings.method === "wanda" ? null : 0);
      }
      assert.ok(outputs.every((output) => output.dataSync().every(Number.isFinite)));
      tf.dispose(outputs);
    });
  }

  it("an expert with a single token is compressed on it", async () => {
    const { model, weights, inputs } = opened.mixtral;
    const [chunk] = inputs;
    const one = tf.slice(chunk, [0, 0, 0], [1, 1, -1]);
    for (const json of methods) {
      const { layers, outputs } = await compressTensors(model, 0, weights, [one], settingsOf(json));
      assert.ok(layers.every(({ compressed }) => compressed.weight.every(Number.isFinite)));
      assert.ok(outputs[0].dataSync().every(Number.isFinite));
      tf.dispose(outputs);
    }
    one.dispose();
  });

  it("what rests on the disk in between has the bits of what stays in memory", async () => {
    const { model, weights, inputs } = opened.qwen2_moe;
    const before = tf.memory().numTensors;
    const solved = [];
    for (const shelf of [memoryShelf(), createShelf(0)])
      solved.push(await compressTensors(model, 0, weights, inputs, settingsOf({ method: "wanda" }), { shelf }));
    const values = solved.map(({ outputs }) => outputs.map((output) => Array.from(output.dataSync())));
    assert.deepEqual(solved[0].layers, solved[1].layers);
    assert.deepEqual(values[0], values[1]);
    tf.dispose(solved.flatMap(({ outputs }) => outputs));
    assert.equal(tf.memory().numTensors, before);
  });
});

/** What the experts of one token are given, and which they are. */
interface PlainRow {
  input: number[];
  experts: number[];
}

/** Each token's normalized hidden state after attention, and its experts, in float64. */
function plainRows({ architecture, config }: Model, weights: HostWeights, chunk: tf.Tensor3D): PlainRow[] {
  const tensors = toTensors(weights);
  const stages = architecture.stages(config, 0, chunk.shape[1]);
  const values = tf
    .tidy(() => {
      const start: BlockState = { hidden: chunk };
      const { hidden } = stages
        .slice(0, 2)
        .reduce(
          (state, stage) => stage.next(state, (group) => stage.groups[group].input(state, tensors), tensors),
          start,
        );
      return tf.keep(hidden.clone());
    })
    .dataSync<"float32">();
  disposeAll(tensors);
  const norm = weights.get("post_attention_layernorm.weight")!.data;
  const router = weights.get("block_sparse_moe.gate.weight")!.data;
  const size = config.hiddenSize;
  return Array.from({ length: values.length / size }, (_, row) => {
    const hidden = Array.from(values.subarray(row * size, (row + 1) * size));
    const scale = (hidden.reduce((sum, x) => sum + x * x, 0) / size + config.normEps) ** -0.5;
    const input = hidden.map((x, i) => x * scale * norm[i]);
    const logits = product(router, input);
    const order = Array.from(logits.keys()).sort((a, b) => logits[b] - logits[a]);
    return { input, experts: order.slice(0, 2) };
  });
}

/** silu(W1 x) * (W3 x) */
function plainInner(weights: HostWeights, input: number[], expert: number): number[] {
  const of = (linear: string) =>
    product(weights.get(`block_sparse_moe.experts.${expert}.${linear}.weight`)!.data, input);
  const [gate, up] = [of("w1"), of("w3")];
  return gate.map((x, i) => (x / (1 + Math.exp(-x))) * up[i]);
}

/** W x, of a row-major W. */
function product(matrix: Float32Array, x: number[]): number[] {
  return Array.from({ length: matrix.length / x.length }, (_, row) =>
    x.reduce((sum, value, i) => sum + value * matrix[row * x.length + i], 0),
  );
}

function plainMoment(rows: number[][]): { hessian: number[]; meanSquares: number[] } {
  const n = sequences.length;
  const columns = Array.from(rows[0].keys());
  const sum = (i: number, j: number) => rows.reduce((total, row) => total + row[i] * row[j], 0);
  return {
    hessian: columns.flatMap((i) => columns.map((j) => (2 / n) * sum(i, j))),
    meanSquares: columns.map((i) => sum(i, i) / n),
  };
}

/** Float32 sums of some dozens of terms against those in float64. */
function assertClose(found: ArrayLike<number>, wanted: readonly number[]): void {
  assert.equal(found.length, wanted.length);
  const size = wanted.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  wanted.forEach((value, i) => {
    assert.ok(Math.abs(found[i] - value) <= 1e-5 * size, `${found[i]} for ${value}`);
  });
}

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { BlockWalk } from "../../compression/block-walk.js";
import { compressModel, replaced } from "../../compression/compress-model.js";
import { checkModelSettings } from "../../compression/linears.js";
import { withCompressedBlocks } from "../../compression/replace.js";
import { chunkSequences, disposeAll, embedChunks, runBlock, toTensors } from "../../models/forward.js";
import { loadModel } from "../../models/load.js";
import type { HostWeights, Model } from "../../models/model.js";
import { methodSettingsSchema } from "../../study/methods.js";
import { loadBackend } from "../../tensor/backend.js";
import { createShelf, disposeShelved } from "../../tensor/shelf.js";
import { scratchFolder } from "../models/small-model.js";
import { sharedFolder } from "../shared.js";
import { compressTensors, memoryShelf, type SolvedTensors, shelvedCopies } from "./tensor-block.js";

process.env.TOUCHSTONE_HOME = await scratchFolder();

const shared = sharedFolder();
/** Two lengths, so two chunks. */
const sequences = [24, 24, 17].map((length, s) => Int32Array.from({ length }, (_, i) => (7 * i + 13 * s) % 64));
const gptq = (more: object = {}) =>
  methodSettingsSchema.parse({ method: "gptq", bits: 3, groupSize: 8, blockSize: 16, ...more });

describe("one block", { skip: shared === undefined && "no shared/reference" }, () => {
  let model: Model;
  let weights: HostWeights;
  let inputs: tf.Tensor3D[];
  before(async () => {
    await loadBackend();
    model = await loadModel(join(shared ?? "", "reference", "models", "llama_gqa_tied"));
    weights = await model.block(0);
    inputs = await embedChunks(model, chunkSequences(sequences));
  });
  after(() => model.close());

  const run = (json: object, given = inputs): Promise<SolvedTensors> =>
    compressTensors(model, 0, weights, given, methodSettingsSchema.parse(json));
  const bits = (tensors: readonly tf.Tensor[]) => tensors.map((tensor) => Array.from(tensor.dataSync()));

  for (const json of [
    gptq(),
    gptq({ trueSequential: false }),
    { method: "wanda" },
    { method: "wanda", trueSequential: true },
    { method: "rtn", groupSize: 8 },
  ]) {
    it(`${JSON.stringify(json)}: outputs are the compressed block's own, and nothing leaks`, async () => {
      const before = tf.memory().numTensors;
      const { layers, outputs } = await run(json);
      assert.equal(tf.memory().numTensors, before + inputs.length);
      assert.equal(layers.length, 7);
      const compressed = toTensors(replaced(weights, layers));
      const expected = inputs.map((chunk) => runBlock(model, 0, compressed, chunk));
      assert.deepEqual(bits(outputs), bits(expected));
      tf.dispose([...outputs, ...expected]);
      disposeAll(compressed);
    });
  }

  it("the same inputs give the same bits, and trueSequential gives others from the second stage on", async () => {
    const weightsOf = ({ layers, outputs }: SolvedTensors) => {
      tf.dispose(outputs);
      return new Map(layers.map(({ name, compressed }) => [name, compressed.weight]));
    };
    const solved: Map<string, Float32Array>[] = [];
    for (const json of [gptq(), gptq(), gptq({ trueSequential: false })]) solved.push(weightsOf(await run(json)));
    const [a, b, together] = solved;
    assert.deepEqual(a, b);
    assert.deepEqual(together.get("self_attn.q_proj.weight"), a.get("self_attn.q_proj.weight"));
    assert.notDeepEqual(together.get("self_attn.o_proj.weight"), a.get("self_attn.o_proj.weight"));
  });

  it("what rests on the disk in between has the bits of what stays in memory, and nothing is left of it", async () => {
    const before = tf.memory().numTensors;
    const [memory, disk] = [memoryShelf(), createShelf(0)];
    for (const json of [gptq(), { method: "wanda" }]) {
      const settings = methodSettingsSchema.parse(json);
      const solved = [];
      for (const shelf of [memory, disk])
        solved.push(await compressTensors(model, 0, weights, inputs, settings, { shelf }));
      assert.deepEqual(solved[0].layers, solved[1].layers);
      assert.deepEqual(bits(solved[0].outputs), bits(solved[1].outputs));
      tf.dispose(solved.flatMap(({ outputs }) => outputs));
    }
    assert.equal(tf.memory().numTensors, before);
  });

  it("inputs of a stage that nobody collected are computed when it is passed, with the same bits", async () => {
    const shelf = memoryShelf();
    const given = await shelvedCopies(inputs, shelf);
    const outputs = [];
    for (const collects of [true, false]) {
      const walk = new BlockWalk(model, 0, weights, given, shelf);
      for (const linear of ["q_proj", "o_proj", "gate_proj", "down_proj"]) {
        const name = linear === "q_proj" || linear === "o_proj" ? `self_attn.${linear}.weight` : `mlp.${linear}.weight`;
        const input = { columns: weights.get(name)!.shape[1], where: name };
        if (collects) await walk.collect("secondMoment", 0, input);
        await walk.advance();
      }
      const results = walk.takeOutputs();
      outputs.push(await Promise.all(results.map((result) => result.tensor())));
      disposeShelved(results);
      walk.dispose();
    }
    assert.deepEqual(bits(outputs[0]), bits(outputs[1]));
    tf.dispose(outputs.flat());
    disposeShelved(given);
  });

  it("a method without data needs no inputs", async () => {
    const { layers, outputs, seconds } = await run({ method: "rtn", groupSize: 8 }, []);
    assert.equal(layers.length, 7);
    assert.equal(outputs.length, 0);
    assert.equal(layers[0].error, null);
    assert.ok(seconds.solve > 0);
  });

  it("settings that don't fit a linear are refused before anything is computed, and the linear is named", () => {
    const columns = weights.get("self_attn.q_proj.weight")!.shape[1];
    const settings = methodSettingsSchema.parse({ method: "wanda", pattern: `1:${columns + 1}` });
    assert.throws(() => checkModelSettings(model, settings), {
      name: "InvalidSettings",
      message: /layers\.0\.self_attn\.q_proj/,
    });
  });

  it("NaN in a weight is an error that names the tensor", async () => {
    const broken = new Map(weights);
    const { shape, data } = weights.get("mlp.up_proj.weight")!;
    broken.set("mlp.up_proj.weight", { shape, data: data.with(3, Number.NaN) });
    const compress = compressTensors(model, 0, broken, inputs, gptq());
    await assert.rejects(compress, { name: "NumericalError", message: /model\.layers\.0\.mlp\.up_proj\.weight/ });
  });

  it("blocks that take turns in one process have the bits of blocks alone", async () => {
    const before = tf.memory().numTensors;
    const alone = [await run(gptq()), await run({ method: "wanda" })];
    const pause = () => new Promise<void>((resolve) => setImmediate(resolve));
    const together = await Promise.all(
      [gptq(), { method: "wanda" }].map((json) =>
        compressTensors(model, 0, weights, inputs, methodSettingsSchema.parse(json), { pause }),
      ),
    );
    for (const [i, { layers, outputs }] of alone.entries()) {
      assert.deepEqual(
        together[i].layers.map(({ compressed }) => compressed),
        layers.map(({ compressed }) => compressed),
      );
      assert.deepEqual(bits(together[i].outputs), bits(outputs));
      tf.dispose([...outputs, ...together[i].outputs]);
    }
    assert.equal(tf.memory().numTensors, before);
  });

  it("a pause that throws ends the work, and nothing leaks", async () => {
    const before = tf.memory().numTensors;
    let pauses = 0;
    const pause = async () => {
      if (++pauses === 4) throw new Error("cancelled");
    };
    await assert.rejects(compressTensors(model, 0, weights, inputs, gptq(), { pause }), /cancelled/);
    assert.equal(tf.memory().numTensors, before);
  });

  it("leaves no tensors behind when a block can't be written", async () => {
    const before = tf.memory().numTensors;
    const sink = { writeBlock: () => Promise.reject(new Error("the disk is full")) };
    await assert.rejects(compressModel(model, sequences, gptq(), sink), /the disk is full/);
    assert.equal(tf.memory().numTensors, before);
  });

  it("a model is compressed block by block, and evaluated with the compressed blocks", async () => {
    const blocks: Map<string, Float32Array>[] = [];
    const before = tf.memory().numTensors;
    const report = await compressModel(model, sequences, gptq(), {
      writeBlock: async (_, __, layers) => {
        blocks.push(new Map(layers.map(({ name, compressed }) => [name, compressed.weight])));
      },
    });
    assert.equal(tf.memory().numTensors, before);
    assert.equal(report.blocks.length, model.config.blocks);
    assert.ok(report.blocks.every(({ layers }) => layers.every(({ error }) => error !== null && error >= 0)));
    const compressed = withCompressedBlocks(model, async (index) => blocks[index]);
    assert.notEqual(compressed.digest, model.digest);
    const block = await compressed.block(1);
    assert.equal(block.get("mlp.up_proj.weight")?.data, blocks[1].get("mlp.up_proj.weight"));
    assert.deepEqual(block.get("input_layernorm.weight"), (await model.block(1)).get("input_layernorm.weight"));
  });
});

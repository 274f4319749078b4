import assert from "node:assert/strict";
import { test } from "node:test";
import { jitteredModel } from "../../models/jitter.js";
import { loadModel } from "../../models/load.js";
import type { HostWeights } from "../../models/model.js";
import { SMALL_CONFIG, smallWeights, writeSmallModel } from "./small-model.js";

const WIDE = { ...SMALL_CONFIG, hidden_size: 64, intermediate_size: 256, vocab_size: 300, tie_word_embeddings: true };
const folder = await writeSmallModel(smallWeights(WIDE), WIDE);

/** (jittered / weight - 1) / 1e-6 of each weight that isn't so near zero that rounding hides the noise. */
function noiseOf(jittered: HostWeights, plain: HostWeights): number[] {
  return Array.from(plain).flatMap(([name, { data }]) =>
    Array.from(data, (weight, i) => (jittered.get(name)!.data[i] / weight - 1) / 1e-6),
  );
}

test("every weight of every part is multiplied by 1 + 1e-6 * standard normal noise", async () => {
  const model = await loadModel(folder);
  const jittered = jitteredModel(model, 7);
  const parts: [HostWeights, HostWeights][] = [
    [await jittered.embedding(), await model.embedding()],
    [await jittered.block(0), await model.block(0)],
    [await jittered.block(1), await model.block(1)],
  ];
  for (const [noisy, plain] of parts) {
    const noise = noiseOf(noisy, plain);
    const mean = noise.reduce((sum, value) => sum + value, 0) / noise.length;
    const deviation = Math.sqrt(noise.reduce((sum, value) => sum + (value - mean) ** 2, 0) / noise.length);
    // Standard errors: 1 / sqrt(n) of the mean, 1 / sqrt(2 n) of the deviation; n is 19,200 or more. Five of them.
    assert.ok(noise.length >= 19_200);
    assert.ok(Math.abs(mean) < 5 / Math.sqrt(19_200), `mean ${mean}`);
    assert.ok(Math.abs(deviation - 1) < 5 / Math.sqrt(2 * 19_200), `deviation ${deviation}`);
  }
  await model.close();
});

test("the noise depends on the seed and the weight's name alone: not on the order of reads", async () => {
  const model = await loadModel(folder);
  const [one, again, other] = [jitteredModel(model, 1), jitteredModel(model, 1), jitteredModel(model, 2)];
  const late = await one.block(1);
  await again.block(0);
  await again.embedding();
  assert.deepEqual(await again.block(1), late);
  assert.notDeepEqual(await other.block(1), late);
  const name = "self_attn.q_proj.weight";
  const [first, second] = [await one.block(0), late].map((weights) => weights.get(name)!.data);
  const plain = (await model.block(0)).get(name)!.data;
  assert.notDeepEqual(
    first.map((value, i) => value - plain[i]),
    second.map((value, i) => value - plain[i]),
  );
  await model.close();
});

test("tied weights stay equal, and the digest names model and seed", async () => {
  const model = await loadModel(folder);
  const jittered = jitteredModel(model, 1);
  const name = "model.embed_tokens.weight";
  assert.deepEqual((await jittered.head()).get(name), (await jittered.embedding()).get(name));
  const digests = [model.digest, jittered.digest, jitteredModel(model, 2).digest];
  assert.equal(new Set(digests).size, 3);
  assert.equal(jitteredModel(model, 1).digest, jittered.digest);
  await model.close();
});

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { before, test } from "node:test";
import { steps } from "../../activities/steps.js";
import { homePath } from "../../storage/home.js";
import type { ActivationDtype } from "../../study/activation-dtype.js";
import { expandCells } from "../../study/cells.js";
import type { StudyRef } from "../../study/plan.js";
import type { CellCoordinates } from "../../study/results.js";
import { SMALL_CONFIG, scratchFolder, smallWeights } from "../models/small-model.js";
import { startS3 } from "../storage/s3-server.js";
import { freshContext, writeModel, writeStudy } from "./small-study.js";

// What goes on in memory is what would be read back: wherever a cell is resumed, and whatever is kept, the bits are the same.

process.env.TOUCHSTONE_HOME = await scratchFolder();
const server = await startS3();
const BLOCKS = 4;

async function begin(name: string, activations: string, form: object = {}, activationDtype?: ActivationDtype) {
  const config = { ...SMALL_CONFIG, num_hidden_layers: BLOCKS, ...form };
  const path = await writeModel(smallWeights(config), config);
  const checkpoints = { bucket: "bucket", prefix: name, activations };
  const models: [{ id: string; path: string }] = [{ id: "model", path }];
  const given = await writeStudy({ name, models, checkpoints });
  const calibration = { ...given.calibration, ...(activationDtype && { activationDtype }) };
  const { study } = await steps.planStudy({ ...given, calibration }, freshContext());
  await steps.sampleSource({ study, model: "model", source: "source" }, freshContext());
  const [, cell] = expandCells((await freshContext().state.plan(study)).spec, "model");
  return { study, cell };
}

async function compress(study: StudyRef, cell: CellCoordinates, from: number, to: number) {
  const context = freshContext();
  await steps.embedCalibration({ study, cell }, context);
  const results = [];
  for (let block = from; block < to; block++) results.push(await steps.compressBlock({ study, cell, block }, context));
  // What it began ahead is lost with it, as in a crash.
  await context.state.ahead.drop();
  return results;
}

function manifestsOf(study: string, kind: string) {
  const manifests = Array.from(server.objects)
    .filter(([key]) => key.startsWith(`bucket/${study}/v1/${kind}/`))
    .map(([, bytes]) => JSON.parse(new TextDecoder().decode(bytes)));
  return manifests.sort((a, b) => a.derivation.block - b.derivation.block);
}

const layersOf = (study: string) => manifestsOf(study, "block").map(({ objects }) => objects);
/** The blocks whose inputs are kept. */
const keptOf = (study: string) =>
  manifestsOf(study, "activations")
    .filter(({ derivation }) => derivation.step === "activations")
    .map(({ derivation }) => derivation.block + 1);

let undisturbed: unknown[];
before(async () => {
  const { study, cell } = await begin("undisturbed", "none");
  await compress(study, cell, 0, BLOCKS);
  undisturbed = layersOf("undisturbed");
  assert.equal(undisturbed.length, BLOCKS);
});

for (const [policy, keptBefore] of [
  ["none", [[], [], []]],
  ["every 1 block", [[1], [2], [3]]],
  ["every 2 blocks", [[], [2], [2]]],
  ["auto", undefined],
] as const) {
  test(`a cell that is resumed at any boundary has the same bits with activations: ${policy}, and keeps none at its end`, async () => {
    for (let boundary = 1; boundary < BLOCKS; boundary++) {
      const name = `resumed-${policy.replaceAll(" ", "-")}-${boundary}`;
      const { study, cell } = await begin(name, policy);
      await compress(study, cell, 0, boundary);
      if (keptBefore !== undefined) assert.deepEqual(keptOf(name), keptBefore[boundary - 1]);
      await compress(study, cell, boundary, BLOCKS);
      assert.deepEqual(layersOf(name), undisturbed, `resumed before block ${boundary}`);
      assert.deepEqual(keptOf(name), []);
    }
  });
}

test("a resumed cell of a mixture of experts has the same bits, whether hidden states are read or passed forward", async () => {
  const mixture = { model_type: "mixtral", architectures: ["MixtralForCausalLM"], num_local_experts: 4 };
  const whole = await begin("mixture", "none", mixture);
  await compress(whole.study, whole.cell, 0, BLOCKS);
  const layers = layersOf("mixture");
  assert.equal(layers.length, BLOCKS);
  for (const policy of ["none", "every 1 block"]) {
    const name = `mixture-${policy.replaceAll(" ", "-")}`;
    const { study, cell } = await begin(name, policy, mixture);
    await compress(study, cell, 0, 2);
    await compress(study, cell, 2, BLOCKS);
    assert.deepEqual(layersOf(name), layers);
  }
});

for (const dtype of ["float16", "bfloat16"] as const) {
  test(`with hidden states of ${dtype} a resumed cell has the same bits too, which are others than float32's`, async () => {
    const whole = await begin(dtype, "none", {}, dtype);
    await compress(whole.study, whole.cell, 0, BLOCKS);
    const layers = layersOf(dtype);
    assert.notDeepEqual(layers, undisturbed);
    const [float32, own] = ["undisturbed", dtype].map(
      (name) => new Set(manifestsOf(name, "block").map(({ key }) => key)),
    );
    assert.equal(new Set([...float32, ...own]).size, 2 * BLOCKS, "none is taken for the other's");
    for (const policy of ["none", "every 1 block"]) {
      const name = `${dtype}-${policy.replaceAll(" ", "-")}`;
      const { study, cell } = await begin(name, policy, {}, dtype);
      await compress(study, cell, 0, 2);
      await compress(study, cell, 2, BLOCKS);
      assert.deepEqual(layersOf(name), layers, policy);
    }
  });
}

test("a key that may not delete computes all the same, and leaves hidden states behind", async () => {
  const { study, cell } = await begin("undeleted", "every 1 block");
  server.denyDeletes = true;
  await compress(study, cell, 0, BLOCKS);
  server.denyDeletes = false;
  assert.deepEqual(layersOf("undeleted"), undisturbed);
  assert.deepEqual(keptOf("undeleted"), [1, 2, 3]);
});

test("auto says what it chose and why, and the losses that it has seen outlive the process", async () => {
  const losses = async () => JSON.parse(await readFile(homePath("cache", "losses.json"), "utf8")).losses;
  const { study, cell } = await begin("said", "auto");
  const [first] = await compress(study, cell, 0, 1);
  assert.match(
    first.hiddenStates ?? "",
    /^(not kept|kept every \d+ blocks?): writing takes \S+ s, passing forward \S+ s, compressing \S+ s; memory is lost every \S+ h/,
  );
  const before = await losses();
  await compress(study, cell, 1, 3);
  assert.equal(await losses(), before + 1);
});

import assert from "node:assert/strict";
import { appendFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import type { StepContext } from "../../activities/step.js";
import { steps } from "../../activities/steps.js";
import { expandCells } from "../../study/cells.js";
import { TouchstoneError } from "../../study/errors.js";
import { evaluationsOf, type StudyRef } from "../../study/plan.js";
import type { CellCoordinates, CellResult } from "../../study/results.js";
import type { StudySpecInput } from "../../study/spec.js";
import { type SmallWeights, scratchFolder, smallWeights } from "../models/small-model.js";
import { startS3 } from "../storage/s3-server.js";
import { freshContext, letters, writeModel, writeStudy } from "./small-study.js";

process.env.TOUCHSTONE_HOME = await scratchFolder();
const server = await startS3();

/** Plans a study and draws its sets; its objects lie under its name. */
async function begin(name: string, changes: Partial<StudySpecInput> = {}) {
  const given = await writeStudy({ name, ...changes });
  const input = { ...given, checkpoints: { ...given.checkpoints, prefix: name } };
  const { study } = await steps.planStudy(input, freshContext());
  await steps.sampleSource({ study, model: "model", source: "source" }, freshContext());
  const { spec } = await freshContext().state.plan(study);
  const [dense, cell] = expandCells(spec, "model");
  return { input, study, dense, cell };
}

/** A cell as its workflow runs it; each step in the process that `context` gives for it. */
async function runCell(study: StudyRef, cell: CellCoordinates, context = freshContext): Promise<CellResult> {
  const { spec } = await freshContext().state.plan(study);
  await steps.embedCalibration({ study, cell }, context());
  for (let block = 0; cell.method !== null && block < 2; block++) {
    await steps.compressBlock({ study, cell, block }, context());
  }
  for (const evaluation of evaluationsOf(spec)) await steps.evaluate({ study, cell, evaluation }, context());
  return steps.finishCell({ study, cell }, context());
}

const measured = ({ seconds: _, ...rest }: CellResult) => rest;
const keysOf = (study: string, part: string) =>
  Array.from(server.objects.keys()).filter((key) => key.startsWith(`bucket/${study}/${part}`));

let undisturbed: CellResult;
before(async () => {
  const { study, cell } = await begin("undisturbed");
  undisturbed = await runCell(study, cell);
});

test("a cell has the same bits whether one process keeps everything in memory or each step starts with nothing", async () => {
  const { study, cell } = await begin("one-process");
  const context = freshContext();
  assert.deepEqual(measured(await runCell(study, cell, () => context)), measured(undisturbed));
  assert.deepEqual(layersOf("one-process"), layersOf("undisturbed"));
});

/** Digests of all compressed layers, block by block. */
function layersOf(study: string): unknown[] {
  const manifests = keysOf(study, "v1/block/").map((key) =>
    JSON.parse(new TextDecoder().decode(server.objects.get(key))),
  );
  return manifests.map(({ objects }) => objects).sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
}

test("steps that are done compute nothing again", async () => {
  const { study, cell } = await begin("again");
  const first = await runCell(study, cell);
  server.requests.length = 0;
  assert.deepEqual(await runCell(study, cell), first);
  // The page of a study that runs is written after each cell.
  const written = server.requests.filter((request) => /^PUT (?!.*\/v1\/(cell\/|study\/again\/report\.))/.test(request));
  assert.deepEqual(written, []);
});

test("an object of any step that is altered or gone is told by its checksum, and computed again with the same bits", async () => {
  const { study, cell } = await begin("altered");
  await runCell(study, cell);
  // The set is drawn again by the sweep; all else by the steps of the cell.
  const draw = () => steps.sampleSource({ study, model: "model", source: "source" }, freshContext());
  for (const key of keysOf("altered", "v1/").filter((name) => !name.includes("/study/"))) {
    for (const alter of [
      (bytes: Uint8Array) => bytes.map((byte, i) => (i === bytes.length >> 1 ? byte ^ 1 : byte)),
      undefined,
    ]) {
      const bytes = server.objects.get(key);
      // An earlier round has moved it: what replaced it has the same name.
      if (bytes === undefined) continue;
      if (alter === undefined) server.objects.delete(key);
      else server.objects.set(key, alter(bytes));
      // The cell's own result would hide the rest.
      for (const result of [...keysOf("altered", "v1/cell/"), ...keysOf("altered", "v1/evaluation/")]) {
        if (result !== key) server.objects.delete(result);
      }
      assert.deepEqual(measured(await untilHealed(draw, () => runCell(study, cell))), measured(undisturbed), key);
    }
  }
});

/** As the cell's workflow does: what is found altered is put aside, and the steps run again. */
async function untilHealed<T>(draw: () => Promise<unknown>, run: () => Promise<T>): Promise<T> {
  for (let round = 0; ; round++) {
    try {
      await draw();
      return await run();
    } catch (error) {
      assert.ok(error instanceof TouchstoneError, String(error));
      assert.deepEqual([error.type, error.retryable], ["CheckpointCorrupt", true]);
      assert.ok(round < 4, `still not healed: ${error.message}`);
    }
  }
}

const changed = (name: string, value: number): SmallWeights => {
  const weights = smallWeights();
  weights.get(name)!.data[3] = value;
  return weights;
};

for (const [kind, value] of [
  ["NaN", Number.NaN],
  ["infinite", Number.POSITIVE_INFINITY],
] as const) {
  test(`${kind} weights are a final NumericalError that names the tensor and its file`, async () => {
    const path = await writeModel(changed("model.layers.1.mlp.up_proj.weight", value));
    const { study, cell, dense } = await begin(`weights-${kind}`, { models: [{ id: "model", path }] });
    const expected = {
      name: "NumericalError",
      retryable: false,
      message: /NaN or infinite.*tensor model\.layers\.1\.mlp\.up_proj\.weight.*Fetch the model again/,
    };
    const context = freshContext();
    await steps.compressBlock({ study, cell, block: 0 }, context);
    await assert.rejects(steps.compressBlock({ study, cell, block: 1 }, context), expected);
    const [evaluation] = evaluationsOf((await context.state.plan(study)).spec);
    await assert.rejects(steps.evaluate({ study, cell: dense, evaluation }, context), expected);
  });
}

test("activations that overflow are a NumericalError that names whose inputs they are", async () => {
  const weights = smallWeights();
  weights.get("model.layers.0.mlp.down_proj.weight")!.data.fill(3e38);
  const path = await writeModel(weights);
  const { study, cell } = await begin("overflow", { models: [{ id: "model", path }] });
  const context = freshContext();
  const compress = async () => {
    for (const block of [0, 1]) await steps.compressBlock({ study, cell, block }, context);
  };
  await assert.rejects(compress(), { name: "NumericalError", message: /inputs of model\.layers\.\d\.[\w.]+\.weight/ });
});

test("a step that can't store is DiskFull, can be tried again, and its attempts pile up no tensors", async () => {
  const { study, cell } = await begin("full-disk");
  await steps.embedCalibration({ study, cell }, freshContext());
  const full = { status: 507, code: "InsufficientStorage", message: "no space" };
  const context: StepContext = {
    ...freshContext(),
    // Told when the block is about to be computed: what follows can't be stored.
    report: () => {
      server.failure = full;
    },
  };
  const attempt = async () => {
    const failing = steps.compressBlock({ study, cell, block: 0 }, context);
    await assert.rejects(failing, { name: "DiskFull", retryable: true, message: /full.*Free some space/ });
    server.failure = undefined;
    // What was begun ahead is given up at its next pause.
    do await new Promise(setImmediate);
    while (!context.state.compressing.idle);
    return tf.memory().numTensors;
  };
  const [first, second, third] = [await attempt(), await attempt(), await attempt()];
  assert.deepEqual([second, third], [first, first]);
  assert.deepEqual(
    measured(await runCell(study, cell, () => ({ ...context, report: () => {} }))),
    measured(undisturbed),
  );
});

test("a source with too few long documents says how many there are, and computes nothing", async () => {
  const begun = begin("few", { calibration: { sizes: [2], length: 16, sets: 9 } });
  await assert.rejects(begun, {
    name: "NotEnoughDocuments",
    retryable: false,
    message: /has 8 documents, 8 .*18 are needed.*\(source\).*Give it more documents/,
  });
  assert.deepEqual(keysOf("few", "v1/calibration/"), []);
});

test("a source without the field, empty or cut off is InvalidData with file and line, and computes nothing", async () => {
  for (const [i, [content, said]] of [
    ["", /empty.*bad\.jsonl/],
    ['{"content":"abc"}', /no field "text".*bad\.jsonl, line 1.*content/],
    [`{"text":"${letters(1, 40)}"}\n{"text":"ab`, /bad\.jsonl, line 2/],
  ].entries() as ArrayIterator<[number, [string, RegExp]]>) {
    const path = join(await scratchFolder(), "bad.jsonl");
    await writeFile(path, content);
    const begun = begin(`bad-${i}`, { sources: [{ id: "source", path }] });
    await assert.rejects(begun, { name: "InvalidData", retryable: false, message: said });
  }
});

test("files that have changed since the study was planned are told, and never mixed with what was", async () => {
  const { input, study, cell, dense } = await begin("changed");
  const expected = { retryable: false, message: /has changed since the study was planned.*Start the study again/ };
  const source = input.sources[0].path ?? "";
  await writeFile(source, `{"text":"${letters(11, 50)}"}`);
  for (const key of keysOf("changed", "v1/calibration/")) server.objects.delete(key);
  const draw = steps.sampleSource({ study, model: "model", source: "source" }, freshContext());
  await assert.rejects(draw, { name: "InvalidData", ...expected });

  await writeFile(join(input.evaluation?.data ?? "", "last_word.jsonl"), '{"text":"ab cd"}');
  const evaluation = { kind: "task", id: "last_word" } as const;
  const score = steps.evaluate({ study, cell: dense, evaluation }, freshContext());
  await assert.rejects(score, { name: "InvalidData", ...expected });

  const { path } = input.models[0];
  await appendFile(join(path, "config.json"), " ");
  await assert.rejects(freshContext().state.model(await freshContext().state.plan(study), cell.model, null), {
    name: "InvalidModel",
    ...expected,
  });
});

import assert from "node:assert/strict";
import { truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { planStudy } from "../../activities/plan-study.js";
import { type PageRequest, planSweep } from "../../activities/plan-sweep.js";
import { skipCell, unskipCells } from "../../activities/skip-cell.js";
import { cellName } from "../../study/names.js";
import type { StudyRef } from "../../study/plan.js";
import type { StudySpecInput } from "../../study/spec.js";
import { SMALL_CONFIG, scratchFolder, writeSmallModel } from "../models/small-model.js";
import { startS3 } from "../storage/s3-server.js";
import { CHARACTERS, characterTokenizer, freshContext, letters, writeModel, writeStudy } from "./small-study.js";

process.env.TOUCHSTONE_HOME = await scratchFolder();
delete process.env.TOUCHSTONE_BUCKET;
const server = await startS3();

const plan = (input: unknown) => planStudy(input, freshContext());
const pageOf = (study: StudyRef, range: Pick<PageRequest, "state" | "from" | "to">) =>
  planSweep({ study, model: "model", counted: 0, ...range }, freshContext());
/** Planned as far as cells are about to be computed: the name is taken. */
const begin = async (input: unknown) => {
  const { study } = await plan(input);
  return pageOf(study, { state: "pending", from: 0 });
};
const stored = (part: string) => Array.from(server.objects.keys()).filter((key) => key.includes(part));

test("a specification is pinned by digests, and the same one gives the same plan, however many cells run at a time", async () => {
  const input = await writeStudy({ name: "right" });
  const planned = await plan(input);
  assert.deepEqual(planned.models, [{ id: "model", cells: 3 }]);
  assert.deepEqual(planned.sources, ["source"]);
  const again = await plan({ ...input, concurrency: { cells: 9 } });
  assert.deepEqual([again.study.name, again.window], ["right", 9]);
  assert.equal(stored("study/right/spec.json").length, 0);
  await begin(input);
  assert.equal(stored("study/right/spec.json").length, 1);
});

test("a second study with the name that changes what was computed is refused, says what, and changes nothing", async () => {
  const input = await writeStudy({ name: "taken" });
  await begin(input);
  const before = new Map(server.objects);
  const other = { ...input, methods: [{ method: "rtn" }], calibration: { ...input.calibration, seed: 1 } };
  await assert.rejects(plan(other), {
    name: "StudyNameTaken",
    retryable: false,
    message:
      /a study taken already.*: methods: .*"gptq".* is left out; calibration\.seed: 0 -> 1 \(s3:\/\/bucket\/v1\/study\/taken.*another name/,
  });
  assert.deepEqual(server.objects, before);
});

test("a study is extended by more sets and methods, and its name then belongs to the larger one", async () => {
  const input = await writeStudy({ name: "grown" });
  assert.equal((await begin(input)).total, 3);
  const larger = {
    ...input,
    methods: [...input.methods, { method: "rtn" as const, groupSize: 4 }],
    calibration: { ...input.calibration, sets: 3 },
  };
  assert.equal((await begin(larger)).total, 7);
  await assert.rejects(plan(input), { name: "StudyNameTaken", message: /"rtn".* left out; calibration\.sets: 3 -> 2/ });
});

test("a study that failed before any cell was begun claims nothing", async () => {
  const input = await writeStudy({ name: "failed-early" });
  await plan(input);
  await plan({ ...input, calibration: { ...input.calibration, seed: 1 } });
});

test("a skipped cell is left out until it is taken back, and a cell that isn't there can't be skipped", async () => {
  const { study } = await plan(await writeStudy({ name: "skipping" }));
  const context = freshContext();
  const skip = (cell: string) => skipCell({ study, cell, reason: "too slow" }, context);
  const pending = async () => {
    const { cells, skipped } = await pageOf(study, { state: "pending", from: 0 });
    return { cells: cells.map(({ cell }) => cellName(cell)), skipped };
  };
  const [dense, first, second] = (await pending()).cells;
  const order = await skip(second);
  assert.deepEqual([order.index, order.failed, order.skipped], [2, false, 1]);
  assert.deepEqual(await pending(), { cells: [dense, first], skipped: 1 });
  await assert.rejects(skip("model/gptq/source-n2-set9"), {
    name: "InvalidSettings",
    message: /no cell model\/gptq\/source-n2-set9.*Did you mean model\/gptq\/source-n2-set\d/,
  });
  await unskipCells({ study, models: ["model"] }, context);
  assert.deepEqual(await pending(), { cells: [dense, first, second], skipped: 0 });
  assert.deepEqual((await pageOf(study, { state: "failed", from: 0 })).cells, []);

  await skip(first);
  await skip(second);
  assert.deepEqual(await unskipCells({ study, models: ["model"], passed: 2 }, context), { gptq: 1 });
  const { cells } = await pageOf(study, { state: "failed", from: 0 });
  assert.deepEqual(
    cells.map(({ cell }) => cellName(cell)),
    [first],
    "what a sweep has passed is tried with what failed",
  );
});

const inFolder = async (name: string, content: string) => {
  const path = join(await scratchFolder(), name);
  await writeFile(path, content);
  return path;
};
const broken = async (change: (folder: string) => Promise<unknown>) => {
  const folder = await writeModel();
  await change(folder);
  return { models: [{ id: "model", path: folder }] } satisfies Partial<StudySpecInput>;
};
const evaluating = async (changes: Partial<StudySpecInput["evaluation"]>): Promise<Partial<StudySpecInput>> => ({
  evaluation: { ...(await writeStudy()).evaluation, ...changes },
});

type Mistake = [title: string, changes: () => Promise<Partial<StudySpecInput>>, name: string, said: RegExp];
const mistakes: readonly Mistake[] = [
  [
    "an unknown key",
    async () => ({ modles: [] }) as object,
    "InvalidStudySpec",
    /modles: unknown key \(did you mean models/,
  ],
  [
    "an unknown method",
    async () => ({ methods: [{ method: "gtpq" }] }) as object,
    "UnknownMethod",
    /methods\[0\]\.method: unknown method "gtpq" \(did you mean gptq/,
  ],
  [
    "an unknown task",
    () => evaluating({ tasks: ["last_word", "picqa"] }),
    "UnknownTask",
    /no task "picqa" \(did you mean piqa\?\).*evaluation\.tasks\[1\]/,
  ],
  [
    "a task under two of its names",
    () => evaluating({ tasks: ["lambada", "lambada_openai"] }),
    "InvalidStudySpec",
    /evaluation\.tasks: has lambada_openai twice, as lambada and lambada_openai/,
  ],
  [
    "no bucket",
    async () => ({ checkpoints: {} }),
    "InvalidStudySpec",
    /checkpoints\.bucket: is missing.*TOUCHSTONE_BUCKET.*Name the bucket/,
  ],
  [
    "a model that isn't there",
    async () => ({ models: [{ id: "model", path: "/nowhere/model" }] }),
    "UnknownModel",
    /no such model.*\/nowhere\/model/,
  ],
  [
    "a model whose weights are cut off",
    () => broken((folder) => truncate(join(folder, "model.safetensors"), 1000)),
    "InvalidModel",
    /model\.safetensors/,
  ],
  [
    "a model whose weights are empty",
    () => broken((folder) => truncate(join(folder, "model.safetensors"), 0)),
    "InvalidModel",
    /empty.*model\.safetensors/,
  ],
  [
    "a model whose configuration is cut off",
    () => broken((folder) => truncate(join(folder, "config.json"), 30)),
    "InvalidModel",
    /not JSON.*config\.json.*Fetch it again/,
  ],
  [
    "a model of an unknown architecture",
    () =>
      broken((folder) =>
        writeFile(join(folder, "config.json"), JSON.stringify({ ...SMALL_CONFIG, model_type: "rwkv" })),
      ),
    "UnsupportedArchitecture",
    /"rwkv" is not supported.*config\.json.*Supported are: .*llama/,
  ],
  [
    "a model without a tokenizer",
    async () => ({ models: [{ id: "model", path: await writeSmallModel() }] }),
    "InvalidModel",
    /tokenizer/,
  ],
  [
    "a tokenizer with ids beyond the model's vocabulary",
    () => broken((folder) => writeFile(join(folder, "tokenizer.json"), characterTokenizer([...CHARACTERS, "l", "m"]))),
    "TokenizerMismatch",
    /14 tokens.*only 12.*model's own tokenizer/,
  ],
  [
    "a group size that doesn't divide the block size",
    async () => ({ methods: [{ method: "gptq", groupSize: 3, blockSize: 8 }] }),
    "InvalidSettings",
    /groupSize 3 doesn't divide blockSize 8 \(model\.layers\.0\.self_attn\.q_proj\.weight\)/,
  ],
  [
    "a pattern that doesn't divide a linear's inputs",
    async () => ({ methods: [{ method: "wanda", pattern: "2:4" }] }),
    "InvalidSettings",
    /runs of 4, but the layer has 6.*down_proj/,
  ],
  [
    "a source that isn't there",
    async () => ({ sources: [{ id: "source", path: "/nowhere/texts" }] }),
    "InvalidData",
    /no such file or folder \(\/nowhere\/texts\)/,
  ],
  [
    "a source of an unknown format",
    async () => ({ sources: [{ id: "source", path: await inFolder("texts.docx", "x") }] }),
    "InvalidData",
    /no file of a known format.*Names end in/,
  ],
  ["records that aren't there", () => evaluating({ tasks: ["piqa"] }), "InvalidData", /piqa\.jsonl/],
  [
    "a record that is cut off",
    async () => evaluating({ data: join(await inFolder("last_word.jsonl", '{"text":"a b"}\n{"text":"c'), "..") }),
    "InvalidData",
    /last_word\.jsonl, line 2/,
  ],
  [
    "a record without the task's field",
    async () => evaluating({ data: join(await inFolder("last_word.jsonl", '{"text":"a b"}\n{"txt":"c d"}'), "..") }),
    "InvalidData",
    /text.*last_word\.jsonl, line 2/,
  ],
  [
    "a text for perplexity that isn't there",
    () => evaluating({ perplexity: [{ id: "text", path: "/nowhere/text.txt" }] }),
    "InvalidData",
    /\/nowhere\/text\.txt/,
  ],
  [
    "a text shorter than a window of it",
    async () => evaluating({ perplexity: [{ id: "text", path: await inFolder("t.txt", letters(1, 20)), length: 64 }] }),
    "InvalidData",
    /has 20 tokens, less than one window of 64.*t\.txt/,
  ],
];

for (const [i, [title, changes, name, message]] of mistakes.entries()) {
  test(`${title} is ${name} before anything is computed, and leaves the name to the specification that corrects it`, async () => {
    const input = await writeStudy({ name: `mistake-${i}` });
    await assert.rejects(plan({ ...input, ...(await changes()) }), { name, message, retryable: false });
    assert.deepEqual(stored(`mistake-${i}`), []);
    await plan(input);
  });
}

for (const [status, code, name] of [
  [403, "SignatureDoesNotMatch", "StorageDenied"],
  [404, "NoSuchBucket", "StorageDenied"],
  [507, "InsufficientStorage", "DiskFull"],
] as const) {
  test(`a store that answers ${status} is ${name} before the model is read`, async () => {
    const input = await writeStudy({ models: [{ id: "model", path: "/nowhere" }] });
    server.failure = { status, code, message: code };
    try {
      await assert.rejects(plan(input), { name, message: /s3:\/\/bucket\/v1\/study\/small/ });
    } finally {
      server.failure = undefined;
    }
  });
}

test("a plan that was altered in the store is told by its identity, and whole again when the study is started again", async () => {
  const input = await writeStudy({ name: "altered-plan" });
  const { study } = await plan(input);
  const [key] = stored("altered-plan/plans/");
  const text = new TextDecoder().decode(server.objects.get(key));
  for (const altered of [text.replace('"length":16', '"length":17'), text.slice(0, -1), ""]) {
    server.objects.set(key, new TextEncoder().encode(altered));
    await assert.rejects(freshContext().state.plan(study), {
      name: "CheckpointCorrupt",
      message: /plan was altered in the store \(v1\/study\/altered-plan\/plans\/.*Start the study again/,
    });
    await plan(input);
    assert.equal((await freshContext().state.plan(study)).spec.name, "altered-plan");
  }
});

test("what the store keeps of a specification and can't be read any more takes no name", async () => {
  const input = await writeStudy({ name: "altered-name" });
  await begin(input);
  const [key] = stored("altered-name/spec.json");
  const before = server.objects.get(key);
  server.objects.set(key, new TextEncoder().encode("{"));
  await begin(input);
  assert.deepEqual(server.objects.get(key), before);
});

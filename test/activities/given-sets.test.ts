import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { findCalibration, readCalibrationSet } from "../../activities/calibration-of.js";
import { steps } from "../../activities/steps.js";
import { encodeSet, tokensDigest } from "../../calibration/set.js";
import { expandCells } from "../../study/cells.js";
import { evaluationsOf, type StudyRef } from "../../study/plan.js";
import type { CellCoordinates, CellResult } from "../../study/results.js";
import type { StudySpecInput } from "../../study/spec.js";
import { draw } from "../calibration/corpus.js";
import { scratchFolder } from "../models/small-model.js";
import { startS3 } from "../storage/s3-server.js";
import { freshContext, writeStudy } from "./small-study.js";

// Sources whose calibration sets are there already, and perplexities of windows of tokens.

process.env.TOUCHSTONE_HOME = await scratchFolder();
const server = await startS3();

/** So many sequences of ids that the small model's vocabulary of 12 has, but for the last id of all. */
function tokens(sequences: number, length: number, last = 1): number[][] {
  const ids = Array.from({ length: sequences }, (_, i) => Array.from({ length }, (_, j) => (i * 5 + j * 7) % 12));
  ids[sequences - 1][length - 1] = last;
  return ids;
}

const inputIds = (ids: number[][]) => JSON.stringify({ input_ids: ids });

/** Writes files into a folder of their own. @returns their paths */
async function write(files: Readonly<Record<string, string | Uint8Array>>): Promise<string[]> {
  const folder = await scratchFolder();
  const paths = Object.keys(files).map((name) => join(folder, name));
  await Promise.all(Object.values(files).map((content, i) => writeFile(paths[i], content)));
  return paths;
}

/** A set drawn with another tokenizer than the small model's. */
async function drawnWithAnother(): Promise<Uint8Array> {
  const [set] = await draw(["w0 w1 w2 w3 w4 w5", "w6 w7 w8 w9 w10 w11"], [0]);
  return encodeSet({ ...set, provenance: { ...set.provenance, tokenizer: "another" } });
}

const giving = (sets: string[]): Partial<StudySpecInput> => ({ sources: [{ id: "given", sets }] });
const right = inputIds(tokens(2, 16));

type Mistake = [title: string, changes: () => Promise<Partial<StudySpecInput>>, name: string, said: RegExp];
const ofSets = (files: Readonly<Record<string, string | Uint8Array>>) => async () => giving(await write(files));
const ofWindows = (ids: number[][], length?: number) => async (): Promise<Partial<StudySpecInput>> => {
  const [path] = await write({ "windows.json": inputIds(ids) });
  return { evaluation: { perplexity: [{ id: "windows", path, length }] } };
};
const mistakes: readonly Mistake[] = [
  [
    "fewer given sets than are asked for",
    ofSets({ "one.json": right }),
    "InvalidStudySpec",
    /sources\[0\]\.sets: given has 1 given sets, but calibration\.sets asks for 2.*set calibration\.sets to 1/,
  ],
  [
    "given sets that aren't there",
    async () => giving(["/nowhere/set-*.arrow"]),
    "InvalidData",
    /no such calibration set \(\/nowhere\/set-\*\.arrow\)/,
  ],
  [
    "a given set of an unknown format",
    ofSets({ "a.json": right, "b.parquet": "PAR1" }),
    "InvalidData",
    /no calibration set \(.*b\.parquet\).*\.arrow.*\.json/,
  ],
  [
    "a given set that is cut off",
    ofSets({ "a.json": right.slice(0, -5), "b.json": right }),
    "InvalidData",
    /neither an \.arrow file nor JSON \(.*a\.json\)/,
  ],
  [
    "an Arrow file that is no calibration set",
    ofSets({ "a.arrow": "ARROW1", "b.json": right }),
    "InvalidData",
    /Arrow file.*a\.arrow/,
  ],
  [
    "a given set of another length",
    ofSets({ "a.json": right, "b.json": inputIds(tokens(2, 12)) }),
    "InvalidData",
    /sequences have 12 tokens, but calibration\.length is 16 \(.*b\.json\)/,
  ],
  [
    "a given set of too few sequences",
    ofSets({ "a.json": right, "b.json": inputIds(tokens(1, 16)) }),
    "InvalidData",
    /has 1 sequences, but calibration\.sizes asks for 2 \(.*b\.json\)/,
  ],
  [
    "a given set with ids beyond the vocabulary",
    ofSets({ "a.json": right, "b.json": inputIds(tokens(2, 16, 12)) }),
    "TokenizerMismatch",
    /Token id 12 is not in the model's vocabulary of 12 \(.*b\.json, for /,
  ],
  [
    "a given set that was drawn with another tokenizer",
    async () => ({
      ...giving(await write({ "a.arrow": await drawnWithAnother() })),
      calibration: { sizes: [2], length: 4, sets: 1 },
    }),
    "TokenizerMismatch",
    /drawn with another tokenizer \(digest another\).*a\.arrow, for .*input_ids/,
  ],
  [
    "windows of tokens of another length than is asked for",
    ofWindows(tokens(2, 16), 8),
    "InvalidStudySpec",
    /evaluation\.perplexity\[0\]\.length: is 8, but the windows of .*windows\.json have 16 tokens.*Leave it out/,
  ],
  [
    "windows of tokens beyond the vocabulary",
    ofWindows(tokens(2, 16, 12)),
    "TokenizerMismatch",
    /Token id 12 is not in the model's vocabulary of 12 \(.*windows\.json, for /,
  ],
  ["windows of one token", ofWindows(tokens(2, 1)), "InvalidData", /one token predicts none \(.*windows\.json\)/],
];

for (const [i, [title, changes, name, message]] of mistakes.entries()) {
  test(`${title}: ${name} before anything is computed`, async () => {
    const input = { ...(await writeStudy({ name: `mistake-${i}` })), ...(await changes()) };
    await assert.rejects(steps.planStudy(input, freshContext()), { name, message, retryable: false });
    assert.deepEqual(keysOf(`study/mistake-${i}`), []);
  });
}

test("sets that are given and hold what a drawn one holds share every compressed block with it, and its results", async () => {
  const drawn = await run("drawn", { calibration: { sizes: [1, 2], length: 16, sets: 2 } });
  const [one, other] = await storedSets(drawn.study);
  const [arrow, json] = await write({
    "one.arrow": encodeSet(one),
    "other.json": inputIds(other.sequences.map(({ tokens }) => Array.from(tokens))),
  });
  const blocks = keysOf("v1/block/");
  // In the order in which they are named, not in that of their names.
  const given = await run("given", {
    ...drawn.input,
    name: "given",
    ...giving([json, arrow]),
  });
  assert.deepEqual(keysOf("v1/block/"), blocks);
  const figures = ({ cells }: Run, size: number, set: number) => {
    const cell = cells.find((each) => each.size === size && each.set === set);
    return [cell?.calibrationDigest, cell?.evaluations, cell?.error, cell?.bitsPerWeight];
  };
  for (const size of [1, 2]) {
    assert.deepEqual(figures(given, size, 1), figures(drawn, size, 0));
    assert.deepEqual(figures(given, size, 0), figures(drawn, size, 1));
  }
  // What a drawn set's file says of it is kept; of token ids nothing is known.
  const [ids, whole] = await storedSets(given.study);
  assert.deepEqual([ids.provenance, tokensDigest(ids)], [null, tokensDigest(other)]);
  assert.deepEqual(whole, one);
});

test("a given set that has changed since the study was planned is told", async () => {
  const [path] = await write({ "set.json": right });
  const { study } = await steps.planStudy(
    await writeStudy({ name: "changed", ...giving([path]), calibration: { sizes: [2], length: 16, sets: 1 } }),
    freshContext(),
  );
  await writeFile(path, inputIds(tokens(2, 16, 3)));
  await assert.rejects(steps.sampleSource({ study, model: "model", source: "given" }, freshContext()), {
    name: "InvalidData",
    message: /has changed since the study was planned.*set\.json/,
  });
});

test("windows of tokens are scored as they are: the text's, given as tokens, have its perplexity", async () => {
  const { input, study } = await run("text", {});
  const { perplexity: [text] = [] } = input.evaluation ?? {};
  const { state } = freshContext();
  const tokenizer = await (await state.model(await state.plan(study), "model", null)).tokenizer();
  const stream = tokenizer.encode(await readFile(text.path, "utf8"));
  const windows = Array.from({ length: Math.floor(stream.length / 16) }, (_, i) =>
    Array.from(stream.subarray(16 * i, 16 * i + 16)),
  );
  const [path] = await write({ "windows.json": inputIds(windows) });
  const perplexities = ["all", "three"].map((id, i) => ({ id, path, limit: i === 0 ? null : 3 }));
  const { cells } = await run("windows", { evaluation: { perplexity: [text, ...perplexities] } });
  for (const { evaluations } of cells) {
    const [asText, all, three] = evaluations;
    assert.deepEqual({ ...all, id: "text" }, asText);
    assert.equal(three.count, 3 * 15);
  }
});

interface Run {
  input: StudySpecInput;
  study: StudyRef;
  cells: CellResult[];
}

/** Every step of a study, as its workflows take them. */
async function run(name: string, changes: Partial<StudySpecInput>): Promise<Run> {
  const input = await writeStudy({ name, ...changes });
  const context = freshContext();
  const { study } = await steps.planStudy(input, context);
  const { spec } = await context.state.plan(study);
  await steps.sampleSource({ study, model: "model", source: spec.sources[0].id }, context);
  const cells: CellResult[] = [];
  for (const cell of expandCells(spec, "model")) cells.push(await runCell(study, cell, evaluationsOf(spec)));
  return { input, study, cells };
}

async function runCell(study: StudyRef, cell: CellCoordinates, evaluations: ReturnType<typeof evaluationsOf>) {
  const context = freshContext();
  if (cell.method !== null) await steps.embedCalibration({ study, cell }, context);
  for (let block = 0; cell.method !== null && block < 2; block++) {
    await steps.compressBlock({ study, cell, block }, context);
  }
  for (const evaluation of evaluations) await steps.evaluate({ study, cell, evaluation }, context);
  return steps.finishCell({ study, cell }, context);
}

/** The largest sets of a study's source, by their index. */
async function storedSets(study: StudyRef) {
  const { state } = freshContext();
  const plan = await state.plan(study);
  const cells = expandCells(plan.spec, "model").filter(({ size }) => size === 2);
  return Promise.all(
    cells.map(async (cell) => {
      const manifest = await findCalibration(plan, state.checkpoints(study), cell);
      assert.ok(manifest);
      return readCalibrationSet(state.checkpoints(study), manifest);
    }),
  );
}

function keysOf(part: string): string[] {
  return Array.from(server.objects.keys())
    .filter((key) => key.includes(part))
    .sort();
}

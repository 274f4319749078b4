import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { type CellManifest, isDone, parseCellManifest, readCellManifest } from "../../activities/cell-manifest.js";
import { manifestOfCell, manifestWithKey } from "../../activities/find-manifest.js";
import { type Reproduction, withReproduction } from "../../activities/reproduce.js";
import { requireInputs, requireSameEnvironment } from "../../activities/reproduce-checks.js";
import { cellsOfPlan } from "../../activities/stored-studies.js";
import { openStore } from "../../storage/store.js";
import { cellName } from "../../study/names.js";
import { scratchFolder } from "../models/small-model.js";
import { startS3 } from "../storage/s3-server.js";
import { computeStudy, freshContext, writeStudy } from "./small-study.js";

// What is stored can be computed anew: the same bytes come of it, and where something else lies in the store it is found.

process.env.TOUCHSTONE_HOME = await scratchFolder();
const server = await startS3();
const location = { bucket: "bucket", prefix: "" };
const CELL = "model/gptq/source-n2-set0";

const { study, plan } = await computeStudy(
  await writeStudy({
    name: "again",
    methods: [
      { method: "gptq", groupSize: 4, blockSize: 8 },
      { method: "wanda", pattern: "1:2" },
      { method: "magnitude", pattern: "1:2" },
    ],
    calibration: { sizes: [1, 2], length: 16, sets: 1, noiseReplicates: 1 },
  }),
);

const stored = () => openStore(location);

function reproduce(manifest: CellManifest, last?: string): Promise<Reproduction> {
  return withReproduction(freshContext(), (again) => again(manifest, { stored: stored(), last }));
}

/** Replaces an object's bytes for the time of some work. */
async function altered<T>(digest: string, bytes: (old: Uint8Array) => Uint8Array, work: () => Promise<T>): Promise<T> {
  const key = `bucket/v1/content/${digest}.arrow`;
  const old = server.objects.get(key);
  assert.ok(old);
  server.objects.set(key, bytes(old));
  try {
    return await work();
  } finally {
    server.objects.set(key, old);
  }
}

function flipped(place: number) {
  return (old: Uint8Array) => old.map((byte, i) => (i === place ? byte ^ 1 : byte));
}

const objectsOf = ({ steps }: CellManifest, place: string) => {
  const objects = steps.find((step) => step.place === place)?.objects;
  assert.ok(objects);
  return objects;
};

test("every cell of a study is computed anew with equal bytes: the dense model, all methods, sizes, sets and noise replicates", async () => {
  const before = Array.from(server.objects.keys());
  const cells = cellsOfPlan(plan);
  assert.equal(cells.length, 1 + 3 * 2 + 2);
  await withReproduction(freshContext(), async (again) => {
    for (const cell of cells) {
      const manifest = await readCellManifest(stored(), plan, cell);
      assert.ok(isDone(manifest));
      const { parts, equal } = await again(manifest, { stored: stored() });
      assert.equal(parts, undefined, cellName(cell));
      assert.equal(equal, manifest.steps.length, cellName(cell));
    }
  });
  assert.deepEqual(Array.from(server.objects.keys()), before, "the store is as it was");
});

test("an altered linear is found with its block and name, and how far its weights are off", async () => {
  const manifest = await manifestOfCell(study.name, CELL, location, freshContext());
  const [name, { sha256, bytes }] = Object.entries(objectsOf(manifest, "block 1"))[2];
  for (const place of [bytes - 1, Math.floor(bytes / 2)]) {
    const { parts, equal } = await altered(sha256, flipped(place), () => reproduce(manifest));
    assert.deepEqual([parts?.step, parts?.object], ["block 1", name]);
    assert.match(parts?.what ?? "", /its bytes were altered in the store$/);
    assert.equal(equal, 3);
  }
  const other = objectsOf(manifest, "block 0")[name];
  const swapped = server.objects.get(`bucket/v1/content/${other.sha256}.arrow`);
  assert.ok(swapped);
  const { parts } = await altered(
    sha256,
    () => swapped,
    () => reproduce(manifest),
  );
  assert.match(parts?.what ?? "", /^\d+ weights differ, by [\d.e-]+ at most; its bytes were altered/);
});

test("an altered evaluation is found with its request", async () => {
  const manifest = await manifestOfCell(study.name, CELL, location, freshContext());
  const other = await manifestOfCell(study.name, "model/dense", location, freshContext());
  const [mine, others] = [manifest, other].map((each) => objectsOf(each, "evaluation last_word").samples.sha256);
  const bytes = server.objects.get(`bucket/v1/content/${others}.arrow`);
  assert.ok(bytes);
  const { parts } = await altered(
    mine,
    () => bytes,
    () => reproduce(manifest),
  );
  assert.equal(parts?.step, "evaluation last_word");
  assert.match(parts.what, /^column loglikelihood from record 0, choice 0 on: \d+ values differ, by [\d.e-]+ at most;/);
});

test("a manifest that is gone, or says something else, is where they part", async () => {
  const manifest = await manifestOfCell(study.name, CELL, location, freshContext());
  const without = { ...manifest, steps: manifest.steps.filter(({ place }) => place !== "block 1") };
  const gone = (await reproduce(without)).parts;
  assert.deepEqual(gone, { step: "block 1", object: "manifest", what: "it is gone from the store" });
  const steps = manifest.steps.map((step) => {
    return step.place === "block 1" ? { ...step, facts: { ...(step.facts as object), error: 1 } } : step;
  });
  const told = (await reproduce({ ...manifest, steps })).parts;
  assert.deepEqual([told?.step, told?.object], ["block 1", "facts.error"]);
});

test("an altered manifest of a calibration set is found too, and stays where it is", async () => {
  const key = (await manifestOfCell(study.name, CELL, location, freshContext())).steps[0].key;
  const name = `bucket/v1/calibration/${key}.json`;
  const old = server.objects.get(name);
  assert.ok(old);
  server.objects.set(name, flipped(30)(old));
  const manifest = await manifestOfCell(study.name, CELL, location, freshContext());
  const { parts } = await reproduce(manifest);
  assert.deepEqual([parts?.step, parts?.object], ["calibration set 0 of source, 2 sequences", "manifest"]);
  assert.ok(server.objects.has(name));
  server.objects.set(name, old);
});

test("any key of a cell, block, evaluation or set is enough, and no more is computed than it needs", async () => {
  const manifest = await manifestOfCell(study.name, CELL, location, freshContext());
  const needed = { "block 0": 3, "evaluation last_word": 5, result: manifest.steps.length };
  for (const [place, steps] of Object.entries(needed)) {
    const key = manifest.steps.find((step) => step.place === place)?.key ?? "";
    const found = await manifestWithKey(key, location, freshContext());
    const { parts, equal } = await reproduce(found.manifest, found.last);
    assert.deepEqual([parts, equal], [undefined, steps], place);
  }
  await assert.rejects(manifestWithKey("0".repeat(64), location, freshContext()), { name: "InvalidData" });
});

test("a manifest in a file is enough without the store: digests are compared", async () => {
  const manifest = await manifestOfCell(study.name, CELL, location, freshContext());
  const read = parseCellManifest(new TextEncoder().encode(JSON.stringify(manifest)), "manifest.json");
  const again = await withReproduction(freshContext(), (compute) => compute(read));
  assert.deepEqual([again.parts, again.equal], [undefined, manifest.steps.length]);
  for (const text of ["", "{}", JSON.stringify({ ...manifest, steps: [] })])
    assert.throws(() => parseCellManifest(new TextEncoder().encode(text), "manifest.json"), { name: "InvalidData" });
});

test("another environment is refused, and says what is other", async () => {
  await requireSameEnvironment(plan);
  const environment = { ...plan.environment, backend: "other-1.0", threads: plan.environment.threads + 1 };
  await assert.rejects(requireSameEnvironment({ ...plan, environment }), (error: Error) => {
    assert.match(error.message, /backend other-1\.0, here \S+; threads \d+, here \d+/);
    return error.name === "InvalidSettings";
  });
});

test("all inputs that are gone or changed are named before anything is computed", async () => {
  const { plan: own } = await computeStudy(
    await writeStudy({ name: "gone", calibration: { sizes: [2], length: 16, sets: 1 } }),
  );
  const cells = cellsOfPlan(own);
  await requireInputs(own, cells);
  const [source] = own.sources.source.files;
  await rm(own.spec.models[0].path, { recursive: true });
  await rm(source.uri);
  await assert.rejects(
    requireInputs(own, cells, { evaluated: false }),
    (error: Error) => !error.message.includes("text"),
  );
  await writeFile(own.perplexity.text.uri, "another text");
  await assert.rejects(requireInputs(own, cells), (error: Error) => {
    assert.match(error.message, /the model model \(\S+\) is gone/);
    assert.ok(error.message.includes(`the source source's file ${source.uri} is gone`));
    assert.ok(error.message.includes(`the text text ${own.perplexity.text.uri} has changed`));
    return error.name === "InvalidData";
  });
});

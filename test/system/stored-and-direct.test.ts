import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { decodeLayer } from "../../compression/stored-layer.js";
import { loadModel } from "../../models/load.js";
import { openCheckpoints } from "../../storage/checkpoints.js";
import { openStore } from "../../storage/store.js";
import type { MethodSettings } from "../../study/methods.js";
import type { CellResult } from "../../study/results.js";
import { parseStudySpec } from "../../study/spec.js";
import { touchstoneJson, useSystem } from "./harness.js";
import { manifestsOf, outcome } from "./observe.js";
import { dataPath, skip } from "./set-up.js";
import { BLOCKS, smallStudy } from "./small-study.js";

// The stored workflow and `touchstone compress` are the same computation: not nearly, but bit for bit.

const NAME = "stored";
const TEXT = { path: dataPath("heldout.txt"), length: 256, limit: 3 };
const system = useSystem({
  prepare: async () => {
    await outcome(await system.touchstone.start(spec()));
    await writeFile(setFile(), await storedSet());
  },
});

function spec() {
  return smallStudy(system, NAME, {
    methods: [
      { method: "rtn" },
      { method: "gptq" },
      { method: "wanda", pattern: "2:4" },
      { method: "magnitude", pattern: "2:4" },
    ],
    calibration: { sizes: [8] },
    evaluation: { tasks: [], perplexity: [{ id: "heldout", ...TEXT }] },
  });
}

const checkpoints = () => openCheckpoints(openStore({ bucket: process.env.TOUCHSTONE_BUCKET ?? "", prefix: NAME }));
const setFile = () => join(system.folder, "set.arrow");

async function storedSet(): Promise<Uint8Array> {
  const [manifest] = (await manifestsOf(NAME, "calibration")).values();
  return checkpoints().object(manifest, "set");
}

for (const method of ["rtn", "gptq", "wanda", "magnitude"]) {
  test(`${method}: every linear and the perplexity are the same bits`, { skip, timeout: 180_000 }, async () => {
    const settings = parseStudySpec(spec()).methods.find((each) => each.method === method);
    assert.ok(settings);
    const out = join(system.folder, method);
    const given = ["--method", JSON.stringify(settings), "--calibration", setFile(), "--out", out];
    await touchstoneJson(["compress", system.model, ...given]);
    assert.equal(await compareLinears(settings, out), 7 * BLOCKS);

    const windows = ["--text", TEXT.path, "--length", String(TEXT.length), "--limit", String(TEXT.limit)];
    const { perplexity } = (await touchstoneJson(["perplexity", out, ...windows])) as { perplexity: number };
    assert.deepEqual(await storedPerplexity(method), { value: perplexity });
  });
}

/** The number of linears that the study and the folder have alike; fails at one that differs. */
async function compareLinears(settings: MethodSettings, folder: string): Promise<number> {
  const model = await loadModel(folder);
  let compared = 0;
  try {
    for (const manifest of (await manifestsOf(NAME, "block")).values()) {
      const { settings: used, block } = manifest.derivation as { settings: MethodSettings; block: number };
      if (used.method !== settings.method) continue;
      const direct = await model.block(block);
      for (const name of Object.keys(manifest.objects)) {
        const stored = decodeLayer(await checkpoints().object(manifest, name), name);
        assert.ok(sameBits(stored, direct.get(name)?.data), `block ${block}, ${name}`);
        compared++;
      }
    }
  } finally {
    await model.close();
  }
  return compared;
}

function sameBits(one: Float32Array, other: Float32Array | undefined): boolean {
  const bytes = (values: Float32Array) => Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return other !== undefined && bytes(one).equals(bytes(other));
}

async function storedPerplexity(method: string) {
  const cells = Array.from((await manifestsOf(NAME, "cell")).values(), ({ facts }) => facts as CellResult);
  return cells.find(({ methodLabel }) => methodLabel === method)?.evaluations[0].metrics.perplexity;
}

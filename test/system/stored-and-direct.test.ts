import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openCheckpoints } from "../../storage/checkpoints.js";
import { openStore } from "../../storage/store.js";
import { methodNames } from "../../study/methods.js";
import { touchstoneJson, useSystem } from "./harness.js";
import { manifestsOf, outcome } from "./observe.js";
import { dataPath, skip } from "./set-up.js";
import { BLOCKS, smallStudy } from "./small-study.js";
import { cellsOfStudy, compareWithFolder } from "./stored-cell.js";

// The stored workflow and `touchstone compress` are the same computation: not nearly, but bit for bit.

const NAME = "stored";
const TEXT = { path: dataPath("heldout.txt"), length: 256, limit: 3 };
const system = useSystem({
  minutes: 15,
  prepare: async () => {
    await outcome(await system.touchstone.start(spec()), 780);
    await writeFile(setFile(), await storedSet());
  },
});

function spec() {
  return smallStudy(system, NAME, {
    methods: methodNames.map((method) => ({ method })),
    calibration: { sizes: [8] },
    evaluation: { tasks: [], perplexity: [{ id: "heldout", ...TEXT }] },
  });
}

const setFile = () => join(system.folder, "set.arrow");

async function storedSet(): Promise<Uint8Array> {
  const checkpoints = openCheckpoints(openStore({ bucket: process.env.TOUCHSTONE_BUCKET ?? "", prefix: NAME }));
  const [manifest] = (await manifestsOf(NAME, "calibration")).values();
  return checkpoints.object(manifest, "set");
}

for (const method of methodNames) {
  test(`${method}: every linear and the perplexity are the same bits`, { skip, timeout: 180_000 }, async () => {
    const cell = (await cellsOfStudy(NAME)).find(({ methodLabel }) => methodLabel === method);
    assert.ok(cell);
    const out = join(system.folder, method);
    const given = ["--method", JSON.stringify(cell.method), "--calibration", setFile(), "--out", out];
    await touchstoneJson(["compress", system.model, ...given]);
    assert.deepEqual(await compareWithFolder(NAME, cell, out), { compared: 7 * BLOCKS, differing: [] });

    const windows = ["--text", TEXT.path, "--length", String(TEXT.length), "--limit", String(TEXT.limit)];
    const { perplexity } = (await touchstoneJson(["perplexity", out, ...windows])) as { perplexity: number };
    assert.deepEqual(cell.evaluations[0].metrics.perplexity, { value: perplexity });
  });
}

test("reproduce: every cell of the study is computed anew with equal bytes", { skip, timeout: 900_000 }, async () => {
  const { cells, undone } = (await touchstoneJson(
    ["reproduce", "--study", NAME, "--prefix", NAME, "--processes", "2"],
    890,
  )) as {
    cells: { cell: string; parts?: unknown; equal: number }[];
    undone: string[];
  };
  assert.deepEqual(undone, []);
  assert.equal(cells.length, 1 + methodNames.length);
  for (const { cell, parts, equal } of cells) {
    assert.equal(parts, undefined, cell);
    assert.ok(equal >= 2, cell);
  }
});

import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { blockLinears } from "../../compression/linears.js";
import { readSafetensors } from "../../models/safetensors.js";
import { identity } from "../../storage/identity.js";
import type { MethodSettings } from "../../study/methods.js";
import type { CellResult } from "../../study/results.js";
import { disagreements, type EndToEndCase, endToEnd, readEndToEndCases } from "../compression/endtoend-cases.js";
import { sharedFolder } from "../shared.js";
import { touchstoneJson, useSystem } from "./harness.js";
import { outcome } from "./observe.js";
import { setUp, skip as skipSystem } from "./set-up.js";
import { cellsOfStudy, compareWithFolder, withStoredCell } from "./stored-cell.js";

// What the reference implementations made of the quickstart's model, from the same tokens, through one study of the whole model.

const NAME = "endtoend";
const skip = skipSystem ?? (sharedFolder() === undefined ? "no shared/reference" : undefined);
const cases = skip === undefined ? readEndToEndCases() : [];
const calibration = join(endToEnd, "calibration_tokens.json");

let cells: CellResult[];
const system = useSystem({
  skipped: skip,
  minutes: 35,
  prepare: async () => {
    const study = await system.touchstone.start({
      name: NAME,
      models: [{ id: "smollm2", path: setUp.model }],
      sources: [{ id: "reference", sets: [calibration] }],
      methods: cases.flatMap(({ settings }) => settings ?? []),
      calibration: { sizes: [16], length: 256, sets: 1 },
      evaluation: { perplexity: [{ id: "reference", path: join(endToEnd, "test_tokens.json") }] },
      checkpoints: { prefix: NAME },
      concurrency: { cells: 2 },
    });
    await outcome(study, 30 * 60);
    cells = await cellsOfStudy(NAME);
  },
});

function cellOf(settings: MethodSettings | null): CellResult {
  return cells.find(({ method }) => identity(method) === identity(settings)) ?? assert.fail("there is no such cell");
}

test("there is a case of every kind", { skip }, () => {
  assert.deepEqual(
    cases.map(({ name }) => name),
    [
      ...["dense", "rtn_4bit", "rtn_3bit", "gptq_4bit", "gptq_3bit"],
      ...["spqr_3bit", "spqr_4bit", "sparsegpt_2of4", "wanda_2of4"],
    ],
  );
});

for (const expected of cases) {
  const { name, settings } = expected;
  test(`${name}: the perplexity is the reference's, but for what rounding alone moves it`, { skip }, (t) => {
    const { evaluations, seconds } = cellOf(settings);
    const perplexity = evaluations[0].metrics.perplexity.value ?? Number.NaN;
    const off = perplexity / expected.perplexity - 1;
    t.diagnostic(`perplexity ${perplexity.toFixed(4)}, reference ${expected.perplexity}, ${(100 * off).toFixed(2)} %`);
    if (settings !== null) t.diagnostic(`${seconds.compress.toFixed(1)} s, reference ${expected.seconds} s`);
    assert.ok(Math.abs(off) <= expected.tolerance);
  });
}

for (const expected of cases.filter(({ blocks }) => blocks !== undefined)) {
  test(`${expected.name}: the first blocks agree with the reference's as far as it does with itself`, { skip }, () =>
    checkBlocks(expected),
  );
}

async function checkBlocks(expected: EndToEndCase): Promise<void> {
  const reference = await readSafetensors(join(endToEnd, "blocks.safetensors"));
  await withStoredCell(NAME, cellOf(expected.settings), async (packed) => {
    const found = await disagreements(expected, reference, async (block, name) => {
      const linear = blockLinears(packed.rest, block)
        .flat()
        .find((each) => each.name === name);
      assert.ok(linear, name);
      return (await packed.layer(block, linear)).compressed.weight;
    });
    assert.deepEqual(found, []);
  });
}

for (const { name, settings } of cases.filter(({ name }) => ["rtn_4bit", "gptq_4bit", "wanda_2of4"].includes(name))) {
  const title = `${name}: touchstone compress gives every linear of the study with the same bits`;
  test(title, { skip, timeout: 660_000 }, async () => {
    const out = join(system.folder, name);
    const given = ["--method", JSON.stringify(settings), "--calibration", calibration, "--out", out];
    await touchstoneJson(["compress", setUp.model, ...given], 600);
    const { compared, differing } = await compareWithFolder(NAME, cellOf(settings), out);
    assert.deepEqual(differing, []);
    assert.equal(compared, 7 * 30);
    await rm(out, { recursive: true });
  });
}

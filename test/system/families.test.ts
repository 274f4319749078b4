import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { CellResult } from "../../study/results.js";
import { writeDenseModel } from "../compressed-folder.js";
import { familyConfigs } from "../models/family-configs.js";
import { useSystem } from "./harness.js";
import { outcome } from "./observe.js";
import { skip } from "./set-up.js";
import { quickStudy } from "./small-study.js";
import { cellsOfStudy } from "./stored-cell.js";

// Every architecture, as a small random model, goes through one study: all methods of the paper, a task and a perplexity.

const NAME = "families";
const system = useSystem();

/** Spaces, letters and some signs; other bytes are left out. */
const CHARACTERS = ["Ġ", ..."abcdefghijklmnopqrstuvwxyz.,'?!-0123"];
const TOKENIZER = {
  added_tokens: [],
  pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
  decoder: { type: "ByteLevel" },
  model: { type: "BPE", vocab: Object.fromEntries(CHARACTERS.map((character, id) => [character, id])), merges: [] },
};

async function writeFamily(config: Readonly<Record<string, unknown>>): Promise<string> {
  const folder = await writeDenseModel(config);
  await writeFile(join(folder, "tokenizer.json"), JSON.stringify(TOKENIZER));
  return folder;
}

test("every family goes through a study, by all methods", { skip, timeout: 900_000 }, async () => {
  const models = [];
  for (const [family, config] of Object.entries(familyConfigs)) {
    models.push({ id: family.replaceAll(/[^a-z0-9_]+/g, "-"), path: await writeFamily(config) });
  }
  const methods = [
    { method: "gptq", groupSize: 32, blockSize: 32 },
    { method: "spqr", blockSize: 32 },
    { method: "sparsegpt", pattern: "2:4", blockSize: 32 },
    { method: "wanda", pattern: "2:4" },
  ] as const;
  const study = quickStudy(system, NAME, {
    models,
    methods: [...methods],
    calibration: { sizes: [4], length: 60 },
    evaluation: { tasks: ["piqa"], limit: 3 },
    concurrency: { cells: 4 },
  });
  const { failed } = await outcome(await system.touchstone.start(study), 800);
  assert.equal(failed, 0);
  const cells = await cellsOfStudy(NAME);
  assert.equal(cells.length, models.length * (1 + methods.length));
  for (const { id } of models) {
    const perplexities = cells.filter(({ model }) => model === id).map(perplexityOf);
    assert.ok(perplexities.every(Number.isFinite), `${id}: ${perplexities}`);
    // The dense model's, and each method's own.
    assert.equal(new Set(perplexities).size, 1 + methods.length, `${id}: ${perplexities}`);
  }
});

function perplexityOf({ evaluations }: CellResult): number {
  const found = evaluations.map(({ metrics }) => metrics.perplexity?.value).find((value) => value !== undefined);
  return Number(found);
}

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import type { StoredLayer } from "../../compression/stored-layer.js";
import { command } from "../../infra/commands.js";
import { readersPython } from "../../infra/readers.js";
import { forwardTokens } from "../../models/forward.js";
import { loadModel } from "../../models/load.js";
import { readSafetensors, type Safetensors } from "../../models/safetensors.js";
import { checkoutFolder } from "../../storage/home.js";
import { loadBackend } from "../../tensor/backend.js";
import { decodeFloat16, encodeFloat16 } from "../../tensor/float16.js";
import { compressToFolder, exportFolder, readPackedLayers, TOKENS, writeDenseModel } from "../compressed-folder.js";
import { familyConfigs } from "../models/family-configs.js";
import { scratchFolder } from "../models/small-model.js";

// Exported folders are for other people's programs: transformers with compressed-tensors, and with optimum and gptqmodel.

const python = readersPython();
const skip = !existsSync(python) && "the readers aren't installed: npm run test:formats";

interface Case {
  /** By its name in `familyConfigs`; else LLaMA. */
  family?: string;
  method: object;
  format: "dense" | "gptq" | "compressed-tensors";
  more?: readonly string[];
}

const grid = { method: "gptq", groupSize: 32, blockSize: 32 };
const gridCases = (format: "gptq" | "compressed-tensors"): Case[] =>
  [3, 4, 8].flatMap((bits) => [false, true].map((symmetric) => ({ method: { ...grid, bits, symmetric }, format })));
const cases: Case[] = [
  ...gridCases("gptq"),
  { method: { ...grid, symmetric: true }, format: "gptq", more: ["--checkpoint-format", "gptq_v2"] },
  { method: { ...grid, actOrder: true }, format: "gptq" },
  { method: { ...grid, bits: 3, actOrder: true, staticGroups: true }, format: "gptq" },
  { method: { ...grid, groupSize: -1 }, format: "gptq" },
  ...gridCases("compressed-tensors"),
  { method: { ...grid, actOrder: true, staticGroups: true }, format: "compressed-tensors" },
  { method: { ...grid, bits: 5, groupSize: -1 }, format: "compressed-tensors" },
  { method: grid, format: "compressed-tensors", more: ["--dtype", "F32"] },
  { method: { method: "spqr", blockSize: 32 }, format: "dense" },
  { method: { method: "wanda", pattern: "2:4" }, format: "dense" },
  ...Object.keys(familyConfigs).map((family): Case => {
    return { family, method: { method: "wanda", pattern: "2:4" }, format: "dense" };
  }),
  // transformers 5 joins a mixture's experts as it loads them, which it can't do with packed ones.
  ...Object.keys(familyConfigs)
    .filter((family) => !/moe|mixtral/.test(family))
    .map((family): Case => ({ family, method: grid, format: "compressed-tensors", more: ["--dtype", "F32"] })),
];

interface Read {
  logits: Float32Array;
  packed: ReadonlyMap<string, StoredLayer>;
  theirs: Safetensors["tensors"];
}

const read = new Map<Case, Read>();
before(
  async () => {
    if (skip) return;
    await loadBackend();
    const folder = await scratchFolder();
    const prepared = [];
    for (const [i, each] of cases.entries()) {
      const model = each.family === undefined ? undefined : await writeDenseModel(familyConfigs[each.family]);
      const compressed = await compressToFolder(each.method, model);
      const exported = await exportFolder(compressed, each.format, ...(each.more ?? []));
      const found = { packed: await readPackedLayers(compressed), logits: await logitsOf(exported) };
      prepared.push({ each, exported, found, out: join(folder, `${i}.safetensors`) });
    }
    const given = join(folder, "cases.json");
    const asked = prepared.map(({ each, exported, out }) => ({ format: each.format, folder: exported, out }));
    await writeFile(given, JSON.stringify({ input_ids: TOKENS, cases: asked }));
    const script = join(checkoutFolder, "test", "formats", "read_folder.py");
    await command(python, [script, given], "Look at what the readers say.");
    for (const { each, found, out } of prepared) {
      read.set(each, { ...found, theirs: (await readSafetensors(out)).tensors });
    }
  },
  { timeout: 1_800_000 },
);

for (const each of cases) {
  const { family = "llama", method, format, more = [] } = each;
  test(`${family}, ${format} ${more.join(" ")}: ${JSON.stringify(method)}`, { skip }, async () => {
    const { logits: ours, packed, theirs } = read.get(each)!;
    for (const [name, layer] of packed) {
      // transformers joins experts as it loads them: what they compute is in the logits.
      if (name.includes(".experts.")) continue;
      const weight = theirs.get(name)?.data as Float32Array;
      if (format === "dense") assert.deepEqual(weight, layer.compressed.weight, name);
      else checkGrid(weight, layer, format, more.includes("F32"), name);
    }
    const logits = theirs.get("logits")?.data as Float32Array;
    const apart = ours.reduce((most, value, i) => Math.max(most, Math.abs(value - logits[i])), 0);
    const size = ours.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    assert.ok(apart <= logitTolerance(format, more) * size, `logits are ${apart} apart, of ${size}`);
  });
}

async function logitsOf(folder: string): Promise<Float32Array> {
  const model = await loadModel(folder);
  const { logits } = await forwardTokens(
    model,
    TOKENS.map((ids) => Int32Array.from(ids)),
  );
  await model.close();
  return logits.data;
}

/** Their codes are ours, and their weights ours to the rounding of scales and of products. */
function checkGrid(
  weight: Float32Array,
  { compressed }: StoredLayer,
  format: string,
  exact: boolean,
  name: string,
): void {
  const { quantized } = compressed;
  assert.ok(quantized !== undefined);
  const { codes, zeros, groups, groupIndex } = quantized;
  const scales = exact ? quantized.scales : decodeFloat16(encodeFloat16(quantized.scales));
  const columns = groupIndex.length;
  const theirs = Uint8Array.from(weight, (value, i) => {
    const group = Math.floor(i / columns) * groups + groupIndex[i % columns];
    return Math.round(value / scales[group] + zeros[group]);
  });
  assert.deepEqual(theirs, codes, name);
  weight.forEach((value, i) => {
    const group = Math.floor(i / columns) * groups + groupIndex[i % columns];
    const ours = scales[group] * (codes[i] - zeros[group]);
    // Both multiply in the type of the scales: half an ulp of the product.
    const ulp = exact ? 2 ** -24 : 2 ** -11;
    assert.ok(Math.abs(value - ours) <= ulp * Math.abs(ours) + 2 ** -25, `${format} ${name}[${i}]: ${value}, ${ours}`);
  });
}

/** 7e-4 where the reader computes in float16; two float32 implementations differ by rounding. */
function logitTolerance(format: Case["format"], more: readonly string[]): number {
  return format === "dense" || more.includes("F32") ? 1e-5 : 7e-4;
}

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { compressCommand } from "../client/commands/compress.js";
import { exportCommand } from "../client/commands/export.js";
import { blockLinears } from "../compression/linears.js";
import { openPackedFolder, type PackedModel } from "../compression/packed-model.js";
import type { StoredLayer } from "../compression/stored-layer.js";
import { SMALL_CONFIG, scratchFolder, smallWeights, writeSmallModel } from "./models/small-model.js";

/** All linears have sides of whole 32, as GPTQ checkpoints want them. */
export const EXPORT_CONFIG = {
  ...SMALL_CONFIG,
  vocab_size: 40,
  hidden_size: 64,
  intermediate_size: 96,
  num_attention_heads: 2,
  num_key_value_heads: 1,
};

export const TOKENS = Array.from({ length: 4 }, (_, s) =>
  Array.from({ length: 24 }, (_, t) => (7 * s + t * t + 3 * t) % 40),
);

/** A dense model of two blocks, with weights of the size that trained ones have; its logits are below 1. */
export async function writeDenseModel(config: Readonly<Record<string, unknown>> = EXPORT_CONFIG): Promise<string> {
  const weights = smallWeights(config);
  for (const [name, { data }] of weights) {
    const scale = name.includes("norm") ? 1 : name.includes("lm_head") ? 0.03 : 0.15;
    weights.set(name, { shape: weights.get(name)!.shape, data: data.map((value) => value * scale) });
  }
  return writeSmallModel(weights, config);
}

/** A folder as `touchstone compress` writes it. */
export async function compressToFolder(method: object, model?: string, more: readonly string[] = []): Promise<string> {
  const folder = await scratchFolder();
  const [calibration, out] = [join(folder, "tokens.json"), join(folder, "compressed")];
  await writeFile(calibration, JSON.stringify({ input_ids: TOKENS }));
  const path = model ?? (await writeDenseModel());
  const args = [path, "--method", JSON.stringify(method), "--calibration", calibration, "--out", out, ...more];
  await quietly(() => compressCommand().parseAsync(args, { from: "user" }));
  return out;
}

/** What `touchstone export` makes of a folder. */
export async function exportFolder(from: string, format: string, ...more: string[]): Promise<string> {
  const out = join(await scratchFolder(), format);
  await quietly(() => exportCommand().parseAsync([from, "--format", format, "--out", out, ...more], { from: "user" }));
  return out;
}

/** All packed layers, by their full names. */
export async function packedLayers(packed: PackedModel): Promise<ReadonlyMap<string, StoredLayer>> {
  const layers = new Map<string, StoredLayer>();
  for (let block = 0; block < packed.rest.config.blocks; block++) {
    for (const linear of blockLinears(packed.rest, block).flat())
      layers.set(linear.tensor, await packed.layer(block, linear));
  }
  return layers;
}

export async function readPackedLayers(folder: string): Promise<ReadonlyMap<string, StoredLayer>> {
  const packed = await openPackedFolder(folder);
  try {
    return await packedLayers(packed);
  } finally {
    await packed.close();
  }
}

/** Reports and progress are no part of a test's output. */
async function quietly(work: () => Promise<unknown>): Promise<void> {
  const streams = [process.stdout, process.stderr];
  const writes = streams.map((stream) => stream.write);
  for (const stream of streams) stream.write = () => true;
  try {
    await work();
  } finally {
    streams.forEach((stream, i) => {
      stream.write = writes[i];
    });
  }
}

import { withCompressedBlocks } from "../compression/replace.js";
import { decodeLayer } from "../compression/stored-layer.js";
import type { HostWeights, Model } from "../models/model.js";
import type { Manifest } from "../storage/checkpoints.js";
import { identity } from "../storage/identity.js";
import { TouchstoneError } from "../study/errors.js";
import type { BlockFacts } from "./block-facts.js";
import type { CellTask } from "./cell-task.js";
import { blockDerivation } from "./derivations.js";
import type { StepContext } from "./step.js";

/** @throws TouchstoneError CheckpointCorrupt where the block is not in the store */
export async function findBlock(task: CellTask, block: number): Promise<Manifest<BlockFacts>> {
  const { plan, cell, checkpoints, calibration } = task;
  const derivation = blockDerivation(plan, cell, calibration.facts.digest, block);
  const manifest = await checkpoints.find<BlockFacts>("block", derivation);
  if (manifest !== undefined) return manifest;
  throw new TouchstoneError("CheckpointCorrupt", {
    what: `Compressed block ${block} is gone from the store`,
    where: `block ${identity(derivation)}`,
    todo: "Retry the cell: the block is compressed again.",
  });
}

/** All weights of a compressed block: the linears as they are stored, the rest from the model. */
export async function compressedWeights(
  task: CellTask,
  model: Model,
  block: number,
  context: StepContext,
): Promise<HostWeights> {
  return compressedModel(task, model, context).block(block);
}

/** The model that a cell's compressed blocks make. */
export function compressedModel(task: CellTask, model: Model, context: StepContext): Model {
  return withCompressedBlocks(model, (block) => readLinears(task, block, context));
}

async function readLinears(
  task: CellTask,
  block: number,
  { state }: StepContext,
): Promise<ReadonlyMap<string, Float32Array>> {
  const manifest = await findBlock(task, block);
  const known = state.blocks.get(manifest.key);
  if (known !== undefined) return known;
  const read = async (name: string): Promise<[string, Float32Array]> => {
    const bytes = await task.checkpoints.object(manifest, name);
    return [name, decodeLayer(bytes, `block ${manifest.key}, ${name}`)];
  };
  const linears = new Map(await Promise.all(Object.keys(manifest.objects).map(read)));
  state.blocks.set(manifest.key, linears);
  return linears;
}

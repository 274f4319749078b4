import type { HostTensor, Model } from "../models/model.js";
import { identity } from "../storage/identity.js";
import { TouchstoneError } from "../study/errors.js";

/**
 * A model whose blocks have some linears replaced by compressed ones; all else is the dense model's. Closing it closes that.
 * @param read the replaced linears of a block by their names inside it, row-major
 * @param digest identity of the replaced weights, where somebody will ask for it
 */
export function withCompressedBlocks(
  model: Model,
  read: (index: number) => Promise<ReadonlyMap<string, Float32Array>>,
  digest = "compressed",
): Model {
  return {
    ...model,
    digest: identity({ dense: model.digest, compressed: digest }),
    block: async (index) => {
      const replaced = await read(index);
      const weights = new Map(await model.block(index, new Set(replaced.keys())));
      for (const [name, data] of replaced) weights.set(name, replacement(model, index, name, data));
      return weights;
    },
  };
}

function replacement({ architecture, config }: Model, index: number, name: string, data: Float32Array): HostTensor {
  const shape = architecture.blockShapes(config, index).get(name);
  const size = shape?.reduce((product, length) => product * length, 1);
  if (shape !== undefined && size === data.length) return { shape, data };
  throw new TouchstoneError("ShapeMismatch", {
    what: `The compressed weight has ${data.length} values, but the model has ${size ?? "no such weight"}`,
    where: architecture.blockWeightName(config, index, name),
    todo: "Check that it was compressed from this model.",
  });
}

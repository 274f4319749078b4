import { z } from "zod";
import type { ModelConfig } from "../model.js";
import { count, invalidConfig, parseKeys, unsupported } from "./config-keys.js";

export type Windows = Pick<ModelConfig, "slidingWindow" | "windowBlocks">;

const SLIDING = "sliding_attention";
const FULL = "full_attention";

const layerSchema = z.object({ num_hidden_layers: count, layer_types: z.array(z.string()).nullish() });

/**
 * Which blocks have a window.
 * @param isSliding whether a block has it where the configuration has no `layer_types`
 * @throws TouchstoneError InvalidModel, UnsupportedArchitecture for blocks of other types
 */
export function readWindows(
  huggingFace: Readonly<Record<string, unknown>>,
  window: number,
  isSliding: (index: number) => boolean,
  where: string,
): Windows {
  const { num_hidden_layers: blocks, layer_types } = parseKeys(layerSchema, huggingFace, where);
  const types = layer_types ?? Array.from({ length: blocks }, (_, index) => (isSliding(index) ? SLIDING : FULL));
  if (types.length !== blocks)
    throw invalidConfig(`There are ${blocks} blocks, but types of ${types.length}`, `${where}, key layer_types`);
  const other = types.find((type) => type !== SLIDING && type !== FULL);
  if (other !== undefined)
    throw unsupported(`Layer type ${other} is not supported`, where, `Models with ${FULL} and ${SLIDING} are.`);
  const windowBlocks = new Set(types.flatMap((type, index) => (type === SLIDING ? [index] : [])));
  return { slidingWindow: window, windowBlocks };
}

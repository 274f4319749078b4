import type { Model } from "./model.js";

/** All weights that a model's configuration calls for, embeddings and head included; what several places share counts once. */
export function countParameters({ architecture, config }: Pick<Model, "architecture" | "config">): number {
  const blocks = Array.from({ length: config.blocks }, (_, index) =>
    Array.from(
      architecture.blockShapes(config, index),
      ([name, shape]) => [architecture.blockWeightName(config, index, name), shape] as const,
    ),
  );
  const all = new Map([...blocks.flat(), ...architecture.embeddingShapes(config), ...architecture.headShapes(config)]);
  return Array.from(all.values()).reduce((sum, shape) => sum + shape.reduce((product, size) => product * size, 1), 0);
}

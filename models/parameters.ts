import type { Model } from "./model.js";

/** All weights that a model's configuration calls for, embeddings and head included; tied ones count once. */
export function countParameters({ architecture, config }: Pick<Model, "architecture" | "config">): number {
  const blocks = Array.from({ length: config.blocks }, (_, index) => architecture.blockShapes(config, index).values());
  const outside = new Map([...architecture.embeddingShapes(config), ...architecture.headShapes(config)]);
  const shapes = [...blocks.flatMap((block) => [...block]), ...outside.values()];
  return shapes.reduce((sum, shape) => sum + shape.reduce((product, length) => product * length, 1), 0);
}

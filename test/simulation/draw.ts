import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";

/** Independent normal values of mean 0 and variance 1 (Box & Muller 1958). */
export function normalValues(count: number, generator: RandomGenerator): number[] {
  return Array.from({ length: count }, () => {
    const radius = Math.sqrt(-2 * Math.log(1 - uniformFloat64(generator)));
    return radius * Math.cos(2 * Math.PI * uniformFloat64(generator));
  });
}

/** Some of the items, each drawn from all of them. */
export function drawnFrom<Item>(items: readonly Item[], count: number, generator: RandomGenerator): Item[] {
  return Array.from({ length: count }, () => items[uniformInt(generator, 0, items.length - 1)]);
}

/** The items in random order (Fisher & Yates). */
export function shuffled<Item>(items: readonly Item[], generator: RandomGenerator): Item[] {
  const order = [...items];
  for (let i = order.length - 1; i > 0; i--) {
    const j = uniformInt(generator, 0, i);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

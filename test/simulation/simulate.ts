import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { binomialInterval } from "../../statistics/distributions.js";
import { generatorOf } from "../../storage/generator.js";
import { drawPair, type Pool } from "./pool.js";
import { methods } from "./verdicts.js";

/** A share of simulated studies, with its exact interval at 95 %. */
export interface Share {
  share: number;
  low: number;
  high: number;
}

export interface Simulated {
  method: string;
  perSource: number;
  /** That is true of the studies, in accuracy. */
  difference: number;
  /** Studies in which a difference is found: false positives where there is none, else the power. */
  found: Share;
  /** Studies whose 95 % interval holds the true difference. */
  covered: Share;
}

/** Draws studies from the pools in turn, and asks each method of inference. The same seed gives the same figures. */
export function simulate(
  pools: readonly Pool[],
  { studies, perSource, difference, seed }: { studies: number; perSource: number; difference: number; seed: string },
): Simulated[] {
  const generator = generatorOf(`${seed}/${perSource}/${difference}`);
  const uniform = () => uniformFloat64(generator);
  const names = Object.keys(methods);
  const counts = new Map(names.map((name) => [name, { found: 0, covered: 0 }]));
  for (let i = 0; i < studies; i++) {
    const pair = drawPair(pools[i % pools.length], perSource, difference, uniform);
    for (const [name, count] of counts) {
      const { found, low, high } = methods[name](pair, uniform);
      count.found += Number(found);
      count.covered += Number(low <= difference && difference <= high);
    }
  }
  const shareOf = (count: number): Share => {
    const [low, high] = binomialInterval(count, studies);
    return { share: count / studies, low, high };
  };
  return Array.from(counts, ([method, { found, covered }]) => ({
    ...{ method, perSource, difference },
    found: shareOf(found),
    covered: shareOf(covered),
  }));
}

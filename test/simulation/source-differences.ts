import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { generatorOf } from "../../storage/generator.js";
import { drawPair, type Pool } from "./pool.js";
import { type Share, shareOf, shareText } from "./share.js";
import { methods } from "./verdicts.js";

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
export function simulateDifferences(
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
  return Array.from(counts, ([method, { found, covered }]) => ({
    ...{ method, perSource, difference },
    found: shareOf(found, studies),
    covered: shareOf(covered, studies),
  }));
}

const DIFFERENCES = [0, 0.02, 0.05, 0.1];
const SETS_PER_SOURCE = [3, 4, 5, 10];

/** Studies are drawn from the pools in turn, as many sets a source as they have. */
export function differenceLines(all: readonly Pool[], studies: number, seed: string): string[] {
  const lines = all.map(
    ({ name, sets }) => `${name}: ${sets.length} sets, ${sets[0].map(({ length }) => length).join(" + ")} records`,
  );
  const possible = SETS_PER_SOURCE.filter((perSource) => all.some(({ sets }) => sets.length >= 2 * perSource));
  if (possible.length === 0) lines.push(`  none has ${2 * SETS_PER_SOURCE[0]} sets, as two simulated sources take`);
  for (const perSource of possible) {
    const pools = all.filter(({ sets }) => sets.length >= 2 * perSource);
    for (const difference of DIFFERENCES) {
      const what =
        difference === 0 ? "null pairs, false positives" : `true difference ${100 * difference} points, power`;
      const figures = simulateDifferences(pools, { studies, perSource, difference, seed });
      lines.push(
        `${studies} studies of 2 sources with ${perSource} sets each: ${what}; coverage of 95 % intervals`,
        ...figures.map(
          ({ method, found, covered }) => `  ${method.padEnd(34)} ${shareText(found)}   ${shareText(covered)}`,
        ),
      );
    }
  }
  return lines;
}

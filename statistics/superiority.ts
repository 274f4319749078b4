import { root } from "./distributions.js";

/** How probable it is that a new set of the first source gives a better model than a new one of the second. */
export interface Superiority {
  /** Of all pairs of a first and a second set, the share in which the first is ahead; ties count half. */
  probability: number;
  /** At 95 %. */
  low: number;
  high: number;
}

/**
 * The Mann-Whitney statistic over its maximum, with its interval of method 5 of Newcombe (2006, Statistics in Medicine
 * 25:559), which stays honest where few sets happen to be wholly apart.
 */
export function superiority(first: readonly number[], second: readonly number[]): Superiority {
  let wins = 0;
  for (const a of first) for (const b of second) wins += a > b ? 1 : a === b ? 0.5 : 0;
  const pairs = first.length * second.length;
  const probability = wins / pairs;
  const size = (first.length + second.length) / 2;
  const halfWidth = (theta: number) =>
    1.959964 *
    Math.sqrt((theta * (1 - theta) * (1 + (size - 1) * ((1 - theta) / (2 - theta) + theta / (1 + theta)))) / pairs);
  return {
    probability,
    low: probability === 0 ? 0 : root((theta) => probability - theta - halfWidth(theta), 0, probability),
    high: probability === 1 ? 1 : root((theta) => halfWidth(theta) + probability - theta, probability, 1),
  };
}

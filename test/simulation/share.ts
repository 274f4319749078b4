import { binomialInterval } from "../../statistics/distributions.js";

/** A share of simulated studies, with its exact interval at 95 %. */
export interface Share {
  share: number;
  low: number;
  high: number;
}

export function shareOf(count: number, of: number): Share {
  const [low, high] = binomialInterval(count, of);
  return { share: count / of, low, high };
}

/** ` 96.2 % (95.1 to 97.1)` */
export function shareText({ share, low, high }: Share): string {
  const [at, from, to] = [share, low, high].map((value) => (100 * value).toFixed(1));
  return `${at.padStart(5)} % (${from} to ${to})`;
}

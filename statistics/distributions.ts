import { gammaln } from "simple-statistics";

// simple-statistics has none of these. @stdlib has them in a package a function, each with some dozens of others; all follow
// from one incomplete beta function.

/**
 * P(F >= ratio) of Fisher's F distribution, for ratio >= 0 (Infinity included). This is its relation to the regularized
 * incomplete beta function I_x(a, b).
 */
export function varianceRatioTail(ratio: number, numeratorFreedom: number, denominatorFreedom: number): number {
  if (ratio === Number.POSITIVE_INFINITY) return 0;
  const x = denominatorFreedom / (denominatorFreedom + numeratorFreedom * ratio);
  return incompleteBeta(x, denominatorFreedom / 2, numeratorFreedom / 2);
}

/** P(|T| >= |t|) of Student's t distribution; the degrees of freedom need not be whole. */
export function tTail(t: number, freedom: number): number {
  return varianceRatioTail(t * t, 1, freedom);
}

/** The t with P(|T| >= t) = `tail`, for 0 < tail < 1. */
export function tQuantile(tail: number, freedom: number): number {
  let high = 1;
  while (tTail(high, freedom) > tail) high *= 2;
  return root((t) => tTail(t, freedom) - tail, 0, high);
}

/** The exact interval of a binomial probability (Clopper & Pearson 1934), which covers it with at least `level`. */
export function binomialInterval(successes: number, trials: number, level = 0.95): [number, number] {
  const tail = (1 - level) / 2;
  const atLeast = (count: number, p: number) => incompleteBeta(p, count, trials - count + 1);
  return [
    successes === 0 ? 0 : root((p) => tail - atLeast(successes, p), 0, 1),
    successes === trials ? 1 : root((p) => 1 - tail - atLeast(successes + 1, p), 0, 1),
  ];
}

/** Where a function that falls from `low` to `high` is 0, to the last bits: 100 halvings. */
export function root(falling: (x: number) => number, low: number, high: number): number {
  let [from, to] = [low, high];
  for (let i = 0; i < 100; i++) {
    const middle = (from + to) / 2;
    if (falling(middle) > 0) from = middle;
    else to = middle;
  }
  return (from + to) / 2;
}

function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1;
  // The continued fraction converges fast on this side only.
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = Math.exp(gammaln(a + b) - gammaln(a) - gammaln(b) + a * Math.log(x) + b * Math.log1p(-x)) / a;
  return front / betaFraction(x, a, b);
}

/** Continued fraction 8.17.22 of the NIST Digital Library of Mathematical Functions, from its 60th term inwards. */
function betaFraction(x: number, a: number, b: number): number {
  let fraction = 1;
  for (let m = 60; m >= 1; m--) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = (-(a + m - 1) * (a + b + m - 1) * x) / ((a + 2 * m - 2) * (a + 2 * m - 1));
    fraction = 1 + odd / (1 + even / fraction);
  }
  return fraction;
}

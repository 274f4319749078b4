/** `96.2 % (95.1 to 97.1)`: a share of simulated studies with its exact interval at 95 % (Clopper & Pearson 1934). */
export function shareText(count: number, of: number): string {
  const low = count === 0 ? 0 : whereTailIs(0.025, (p) => tail(count, of, p));
  const high = count === of ? 1 : whereTailIs(0.975, (p) => tail(count + 1, of, p));
  const [share, from, to] = [count / of, low, high].map((value) => (100 * value).toFixed(1));
  return `${share.padStart(5)} % (${from} to ${to})`;
}

/** P(X >= count) of a binomial X, for 0 < p < 1. */
function tail(count: number, of: number, p: number): number {
  let [logarithm, sum] = [of * Math.log1p(-p), 0];
  for (let k = 0; k <= of; k++) {
    if (k >= count) sum += Math.exp(logarithm);
    logarithm += Math.log((of - k) / (k + 1)) + Math.log(p) - Math.log1p(-p);
  }
  return sum;
}

/** A tail rises with p: 40 halvings. */
function whereTailIs(wanted: number, rising: (p: number) => number): number {
  let [low, high] = [0, 1];
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2;
    if (rising(middle) < wanted) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

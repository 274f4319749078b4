const LEAST_RUNS = 3;
const MOST_RUNS = 7;
const SECONDS = 1;

/**
 * Medians of what some runs of a measurement took, by name; the first run warms up. Short ones are run more often: single runs of a
 * few milliseconds say little.
 */
export async function medians<Name extends string>(
  run: () => Promise<Record<Name, number>>,
): Promise<Record<Name, number>> {
  const begun = performance.now();
  let runs = [await run()];
  const isLong = performance.now() - begun > 2000 * SECONDS;
  if (isLong) return runs[0];
  runs = [];
  const started = performance.now();
  while (runs.length < LEAST_RUNS || (runs.length < MOST_RUNS && performance.now() - started < 1000 * SECONDS))
    runs.push(await run());
  const names = Object.keys(runs[0]) as Name[];
  return Object.fromEntries(names.map((name) => [name, median(runs.map((each) => each[name]))])) as Record<
    Name,
    number
  >;
}

export async function secondsOf(work: () => unknown): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

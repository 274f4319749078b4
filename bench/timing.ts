import type { Model } from "../models/model.js";

export function secondsSince(started: number): number {
  return (performance.now() - started) / 1000;
}

/** Seconds that `run` takes at its fastest, of at least `times` runs and as many as fit into `seconds`. Others only disturb. */
export function fastest(run: () => void, { times = 3, seconds = 0.5 } = {}): number {
  const begun = performance.now();
  let best = Number.POSITIVE_INFINITY;
  for (let done = 0; done < times || secondsSince(begun) < seconds; done++) {
    const started = performance.now();
    run();
    best = Math.min(best, secondsSince(started));
  }
  return best;
}

/** The same model, and how many seconds its weights took to read so far. */
export function timedReads(model: Model): { model: Model; seconds: () => number } {
  let total = 0;
  const timed = async <T>(read: () => Promise<T>): Promise<T> => {
    const started = performance.now();
    const result = await read();
    total += secondsSince(started);
    return result;
  };
  return {
    model: {
      ...model,
      embedding: () => timed(model.embedding),
      block: (index) => timed(() => model.block(index)),
      head: () => timed(model.head),
    },
    seconds: () => total,
  };
}

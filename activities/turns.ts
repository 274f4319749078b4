/** Work that must not overlap, in the order in which it is asked for. */
export interface Turns {
  /** Waiting ends when the signal is aborted; what has begun is run to its end. */
  run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>;
  /** Whether nothing runs or waits. */
  readonly idle: boolean;
}

export function createTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve();
  let count = 0;
  return {
    run: async (work, signal) => {
      signal.throwIfAborted();
      const before = last;
      let release = () => {};
      const own = new Promise<void>((resolve) => {
        release = resolve;
      });
      last = before.then(() => own);
      count++;
      try {
        await Promise.race([before, aborted(signal)]);
        return await work();
      } finally {
        count--;
        release();
      }
    },
    get idle() {
      return count === 0;
    },
  };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

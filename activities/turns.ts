/** Runs work one after the other, in the order in which it is asked for. Waiting ends when the signal is aborted. */
export type Turns = <T>(work: () => Promise<T>, signal: AbortSignal) => Promise<T>;

export function createTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve();
  return async (work, signal) => {
    const before = last;
    let release = () => {};
    const own = new Promise<void>((resolve) => {
      release = resolve;
    });
    last = before.then(() => own);
    try {
      signal.throwIfAborted();
      await Promise.race([before, aborted(signal)]);
      return await work();
    } finally {
      release();
    }
  };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

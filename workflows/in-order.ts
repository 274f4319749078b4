import { patched } from "@temporalio/workflow";

export interface Ordered<A extends readonly unknown[]> {
  /** Resolves when it has arrived. */
  send(...told: A): Promise<void>;
  /** All that was sent has arrived. */
  isIdle(): boolean;
}

/**
 * Signals that a workflow sends at the same moment may overtake each other on their way. Here each is sent when the one before has
 * arrived, so that what is true last is told last. Histories that began without it are replayed as they were.
 * @param send never rejects
 */
export function inOrder<A extends readonly unknown[]>(send: (...told: A) => Promise<void>): Ordered<A> {
  if (!patched("signals in order")) return { send, isIdle: () => true };
  let last = Promise.resolve();
  let pending = 0;
  return {
    send: (...told) => {
      pending++;
      last = last.then(() => send(...told)).then(() => void pending--);
      return last;
    },
    isIdle: () => pending === 0,
  };
}

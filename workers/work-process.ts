import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { TouchstoneError } from "../study/errors.js";
import { COMPUTE_OPTIONS, computeEnvironment } from "./compute-slot.js";
import type { WorkAnswer } from "./serve-work.js";
import { asError } from "./step-errors.js";

/** A process with a TensorFlow of its own that does pieces of work, one at a time. */
export interface WorkProcess<Work, Result, Told = never> {
  /** @throws what the work threw; TouchstoneError ComputeCrashed where the process ended first */
  run(work: Work, onTold?: (told: Told) => void): Promise<Result>;
  /** Ends it at once. */
  kill(): void;
  /** Lets it tidy up and end; what it has in hand is given up. */
  leave(): Promise<void>;
}

/**
 * Starts a program that calls `serveWork`.
 * @param threads of its TensorFlow
 * @param ended what is said, and what to do, where it ends by itself
 */
export function startWorkProcess<Work, Result, Told = never>(
  program: URL,
  threads: number,
  ended: { what: string; todo: string },
): WorkProcess<Work, Result, Told> {
  const child = fork(fileURLToPath(program), {
    serialization: "advanced",
    env: computeEnvironment(threads),
    execArgv: COMPUTE_OPTIONS,
  });
  const exit = once(child, "exit");
  const crash = exit.then(([code, signal]) => {
    const what = `${ended.what} (${signal ?? code})`;
    throw new TouchstoneError("ComputeCrashed", { what, todo: ended.todo });
  });
  // While it has no work its end is no error.
  crash.catch(() => {});
  return {
    run: (work, onTold = () => {}) => {
      const answer = new Promise<Result>((resolve, reject) => {
        const hear = (said: WorkAnswer<Result, Told>) => {
          if (said.kind === "told") return onTold(said.told);
          child.off("message", hear);
          if (said.kind === "done") resolve(said.result);
          else reject(asError(said.failure));
        };
        child.on("message", hear);
        // Where it can't be sent the process has ended, which is told above.
        child.send({ work }, () => {});
      });
      return Promise.race([answer, crash]);
    },
    kill: () => void child.kill("SIGKILL"),
    leave: async () => {
      if (child.connected) child.disconnect();
      await exit.catch(() => {});
    },
  };
}

import { once } from "node:events";
import type { StepFailure } from "./protocol.js";
import { asFailure } from "./step-errors.js";

/** What a work process says to the one that started it. */
export type WorkAnswer<Result, Told> =
  | { kind: "told"; told: Told }
  | { kind: "done"; result: Result }
  | { kind: "failed"; failure: StepFailure };

/**
 * Does what the process that started this one sends, until that one leaves or ends.
 * @param run does one piece of work; what it tells is passed on at once
 */
export async function serveWork<Work, Result, Told = never>(
  run: (work: Work, tell: (told: Told) => void) => Promise<Result>,
): Promise<void> {
  const say = (answer: WorkAnswer<Result, Told>) => void process.send?.(answer);
  // The terminal's interrupt reaches all processes: this one ends with the one that started it.
  process.on("SIGINT", () => {});
  process.on("message", ({ work }: { work: Work }) => {
    run(work, (told) => say({ kind: "told", told })).then(
      (result) => say({ kind: "done", result }),
      (error: unknown) => say({ kind: "failed", failure: asFailure(error) }),
    );
  });
  await once(process, "disconnect");
}

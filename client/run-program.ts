import { systemError } from "../storage/system-error.js";
import { TouchstoneError } from "../study/errors.js";
import { redacted } from "../study/secrets.js";

/** Runs what a program does. What fails is said on standard error, and by the exit code. */
export async function runProgram(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const named = error instanceof TouchstoneError ? error : systemError(error);
    // Whatever else it is, it is a mistake of the program: its stack is worth more than a message.
    const shown =
      named === undefined && error instanceof Error ? (error.stack ?? error.message) : String(named ?? error);
    process.stderr.write(`${redacted(shown)}\n`);
    process.exitCode = 1;
  }
}

import { formatSeconds } from "../../infra/progress.js";

const LINE_EVERY_MS = 10_000;

/** How far the scoring of `title` is, on standard error: one line that is rewritten on a terminal, else one every ten seconds. */
export function tokenProgress(
  title: string,
  stream: NodeJS.WriteStream = process.stderr,
): { report(done: number, total: number): void; end(): void } {
  const started = performance.now();
  let shown = started;
  return {
    report: (done, total) => {
      const now = performance.now();
      const elapsed = (now - started) / 1000;
      const left = done === 0 ? "" : `, about ${formatSeconds((elapsed * (total - done)) / done)} left`;
      const line = `${title}: ${done} of ${total} tokens${left}`;
      if (stream.isTTY) {
        stream.cursorTo(0);
        stream.write(line);
        stream.clearLine(1);
      } else if (now - shown >= LINE_EVERY_MS) {
        stream.write(`${line}\n`);
        shown = now;
      }
    },
    end: () => {
      if (stream.isTTY) {
        stream.cursorTo(0);
        stream.clearLine(0);
      }
      stream.write(`${title}: ${formatSeconds((performance.now() - started) / 1000)}\n`);
    },
  };
}

import { SingleBar } from "cli-progress";

/** Tells how far a step is: bytes or other units done, of how many where that is known. */
export type Report = (done: number, total?: number) => void;

export interface Progress {
  /** Runs one step of a set-up, saying what it is, how far it is, and how long it takes. */
  step<T>(title: string, work: (report: Report) => Promise<T>, options?: StepOptions): Promise<T>;
  note(line: string): void;
}

export interface StepOptions {
  /** How long it takes on a slow machine, where no measure of progress exists. */
  usualSeconds?: number;
  /** What is counted; bytes unless told. */
  unit?: string;
}

export const silentProgress: Progress = { step: (_title, work) => work(() => {}), note: () => {} };

/** Bars on a terminal; elsewhere one line at the start and the end of a step, and one every ten seconds between. */
export function createProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  const note = (line: string) => {
    stream.write(`${line}\n`);
  };
  return {
    note,
    step: async (title, work, options = {}) => {
      const started = performance.now();
      const seconds = () => (performance.now() - started) / 1000;
      const display = stream.isTTY
        ? drawBar(stream, title, seconds, options)
        : printLines(note, title, seconds, options);
      try {
        const result = await work(display.report);
        display.end();
        note(`  ✓ ${title} (${formatSeconds(seconds())})`);
        return result;
      } catch (error) {
        display.end();
        note(`  ✗ ${title} (${formatSeconds(seconds())})`);
        throw error;
      }
    },
  };
}

interface Display {
  report: Report;
  end(): void;
}

function drawBar(
  stream: NodeJS.WriteStream,
  title: string,
  seconds: () => number,
  { usualSeconds, unit }: StepOptions,
): Display {
  let amount = "";
  let left = usualSeconds === undefined ? "" : `, usually ${formatSeconds(usualSeconds)}`;
  const bar = new SingleBar({
    stream,
    clearOnComplete: true,
    hideCursor: true,
    format: () => `  … ${title}: ${amount}${formatSeconds(seconds())}${left}`,
  });
  bar.start(1, 0);
  return {
    report: (done, total) => {
      amount = `${formatAmount(unit, done, total)}, `;
      left = formatLeft(seconds(), done, total);
    },
    end: () => bar.stop(),
  };
}

function printLines(
  note: (line: string) => void,
  title: string,
  seconds: () => number,
  { usualSeconds, unit }: StepOptions,
): Display {
  let amount = "";
  let left = "";
  note(`  … ${title}${usualSeconds === undefined ? "" : ` (usually ${formatSeconds(usualSeconds)})`}`);
  const timer = setInterval(() => note(`    ${title}: ${amount}${formatSeconds(seconds())}${left}`), 10_000);
  return {
    report: (done, total) => {
      amount = `${formatAmount(unit, done, total)}, `;
      left = formatLeft(seconds(), done, total);
    },
    end: () => clearInterval(timer),
  };
}

function formatLeft(elapsed: number, done: number, total?: number): string {
  // The first moments say nothing about the speed.
  return total === undefined || done === 0 || elapsed < 1
    ? ""
    : `, ${formatSeconds((elapsed * (total - done)) / done)} left`;
}

function formatAmount(unit: string | undefined, done: number, total?: number): string {
  if (unit !== undefined) return total === undefined ? `${done} ${unit}` : `${done} of ${total} ${unit}`;
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(bytes < 10e6 ? 1 : 0);
  if (total === undefined) return `${megabytes(done)} MB`;
  return `${megabytes(done)} of ${megabytes(total)} MB (${Math.floor((100 * done) / Math.max(total, 1))} %)`;
}

/** `0.8 s`, `42 s`, `3 min 05 s`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

/** The same, and `2 h 05 min`, `3 d 04 h` of what takes long. */
export function formatDuration(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return formatSeconds(seconds);
  const [unit, smaller, inUnit] = minutes < 24 * 60 ? ["h", "min", 60] : ["d", "h", 24];
  const whole = inUnit === 60 ? minutes : Math.round(minutes / 60);
  return `${Math.floor(whole / inUnit)} ${unit} ${String(whole % inUnit).padStart(2, "0")} ${smaller}`;
}

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** Which broken files are made: those from number `from` on of a seed, the same wherever it runs. */
export interface FuzzOptions {
  /** Of each format. */
  inputs: number;
  seed: number;
  from: number;
  /** Formats, or names of targets; none: all. */
  only: readonly string[];
}

export interface FuzzTask extends FuzzOptions {
  /** File that always says which input is being read. */
  progress: string;
  /** Targets that are done. */
  skip: number;
}

export interface FuzzResult {
  format: string;
  name: string;
  inputs: number;
  /** Of processor time. */
  seconds: number;
  /** Of the inputs; the others were read. */
  refused: number;
  /** Anything but a result or an error of ours, in bounded time and memory. */
  findings: { input: number; problem: string }[];
}

const HANG_SECONDS = 120;
const HEAP_MIB = 1024;
const MOST_RSS = 3 * 2 ** 30;

/** Reads broken copies of every format in a process of its own; one that dies or hangs is a finding, and the next goes on. */
export async function* fuzz(options: FuzzOptions): AsyncGenerator<FuzzResult> {
  const folder = mkdtempSync(join(tmpdir(), "touchstone-fuzz-progress-"));
  const progress = join(folder, "progress");
  try {
    for (let skip = 0, finished = false; !finished; ) {
      writeFileSync(progress, "{}");
      const child = spawn(
        process.execPath,
        [
          `--max-old-space-size=${HEAP_MIB}`,
          "--max-semi-space-size=64",
          fileURLToPath(new URL("fuzz-process.js", import.meta.url)),
          JSON.stringify({ ...options, progress, skip } satisfies FuzzTask),
        ],
        { env: fewVariables(), stdio: ["ignore", "pipe", "inherit"] },
      );
      const ended = new Promise<string>((resolve) =>
        child.on("close", (code, signal) => resolve(String(signal ?? code))),
      );
      let killed: string | undefined;
      const watch = setInterval(() => {
        killed ??= reasonToEnd(progress, child.pid ?? 0);
        if (killed !== undefined) child.kill("SIGKILL");
      }, 200);
      for await (const line of createInterface({ input: child.stdout })) {
        skip++;
        yield JSON.parse(line);
      }
      const code = await ended;
      clearInterval(watch);
      finished = code === "0";
      if (finished) continue;
      const { format, name, input } = JSON.parse(readFileSync(progress, "utf8"));
      if (name === undefined)
        throw new Error(`the process that reads broken files ended with ${code} before the first`);
      skip++;
      yield {
        format,
        name,
        inputs: 0,
        seconds: 0,
        refused: 0,
        findings: [{ input, problem: killed ?? `it ended with ${code}` }],
      };
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Each error of ours looks for secrets among all variables, which are dozens on some machines. */
function fewVariables(): NodeJS.ProcessEnv {
  const kept = ["PATH", "HOME", "TMPDIR", "TOUCHSTONE_HOME"];
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => kept.includes(name)));
}

function reasonToEnd(progress: string, pid: number): string | undefined {
  if (Date.now() - statSync(progress).mtimeMs > HANG_SECONDS * 1000) return `it took more than ${HANG_SECONDS} s`;
  try {
    const pages = Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]);
    return pages * 4096 > MOST_RSS ? `it took more than ${MOST_RSS / 2 ** 30} GiB` : undefined;
  } catch {
    return undefined; // It has just ended.
  }
}

import { mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generatorOf } from "../../storage/generator.js";
import { TouchstoneError } from "../../study/errors.js";
import { loadBackend } from "../../tensor/backend.js";
import type { FuzzResult, FuzzTask } from "./fuzz.js";
import { mutated, originalOf } from "./mutation.js";
import { fuzzTargets, type Target } from "./targets.js";

/** Entry of the process that reads broken files: `fuzz.ts` starts it, and sees it die or hang. */

/** A reader that takes more over some kilobytes has believed a length that it was told. Processor time: other programs run too. */
const MOST_CPU_SECONDS = 2;
const MOST_BYTES = 256 * 2 ** 20;

/** Most inputs are refused, and collecting a trace takes longer than many of the readers; a finding is read again by its number. */
Error.stackTraceLimit = 2;

const { progress, only, skip, inputs, seed, from }: FuzzTask = JSON.parse(process.argv[2]);
const progressFile = openSync(progress, "r+");
const folder = mkdtempSync(join(tmpdir(), "touchstone-fuzz-"));
try {
  await loadBackend();
  const all = await fuzzTargets(folder);
  const targets = all.filter(({ name, format }) => only.length === 0 || only.includes(name) || only.includes(format));
  for (const target of targets.slice(skip)) {
    const sharing = targets.filter(({ format }) => format === target.format);
    const shares = sharing.reduce((sum, { share = 1 }) => sum + share, 0);
    const own = Math.ceil((inputs * (target.share ?? 1)) / shares);
    process.stdout.write(`${JSON.stringify(await fuzz(target, own))}\n`);
  }
} finally {
  rmSync(folder, { recursive: true });
}

async function fuzz({ format, name, original, read }: Target, inputs: number): Promise<FuzzResult> {
  const started = process.cpuUsage();
  await read(original);
  const prepared = originalOf(original);
  const result: FuzzResult = { format, name, inputs, seconds: 0, refused: 0, findings: [] };
  for (let i = from; i < from + inputs; i++) {
    const bytes = mutated(prepared, generatorOf(`${seed}/${name}/${i}`));
    writeSync(progressFile, JSON.stringify({ format, name, input: i }).padEnd(200), 0);
    const problem = await judge(bytes, read);
    if (problem === "refused") result.refused++;
    else if (problem !== undefined && !result.findings.some((known) => known.problem === problem))
      result.findings.push({ input: i, problem });
  }
  return { ...result, seconds: secondsSince(started) };
}

/** undefined: it was read. */
async function judge(bytes: Uint8Array, read: Target["read"]): Promise<string | undefined> {
  const [memory, cpu] = [process.resourceUsage().maxRSS, process.cpuUsage()];
  let outcome: string | undefined;
  try {
    await read(bytes);
  } catch (error) {
    const named = error instanceof TouchstoneError && error.message.length > 0;
    outcome = named ? "refused" : `not an error of ours: ${error instanceof Error ? error.stack : error}`;
  }
  const seconds = secondsSince(cpu);
  if (seconds > MOST_CPU_SECONDS) return `it took ${seconds.toFixed(1)} s of ${bytes.length} bytes`;
  const grown = (process.resourceUsage().maxRSS - memory) * 1024;
  if (grown > MOST_BYTES) return `it took ${Math.round(grown / 2 ** 20)} MiB for ${bytes.length} bytes`;
  return outcome;
}

function secondsSince(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}

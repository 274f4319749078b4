import { fileURLToPath } from "node:url";
import { z } from "zod";
import { command } from "../infra/commands.js";
import type { BenchPart } from "./part.js";

interface WorkersFigures {
  milliseconds: number;
  cells: number;
  /** Of the study with one worker, and with two. */
  seconds: readonly [number, number];
  ratio: number;
}

const CELLS = 60;
const MILLISECONDS = 500;

/** A study whose computing sleeps, on one worker and on two of one slot each: what the second is worth where cores allow. */
export const workersPart: BenchPart<WorkersFigures> = {
  title: "two workers against one, with computing that sleeps",
  usualSeconds: 180,
  measure: async () => {
    const [one, two] = [await rehearse(1), await rehearse(2)];
    return { milliseconds: MILLISECONDS, cells: CELLS, seconds: [one, two], ratio: one / two };
  },
  show: ({ milliseconds, cells, seconds: [one, two], ratio }) => ({
    head: ["", "one worker", "two workers", "times as fast"],
    rows: [["seconds", one.toFixed(1), two.toFixed(1), ratio.toFixed(2)]],
    notes: [
      `${cells} cells of two blocks and an evaluation, each of which sleeps ${milliseconds} ms in place of computing`,
      "nothing is computed: this is scheduling alone; the goal is 1.8",
    ],
  }),
};

/** Seconds of the study. */
async function rehearse(workers: number): Promise<number> {
  const program = fileURLToPath(new URL("./rehearsal/rehearse.js", import.meta.url));
  const options = { cells: CELLS, workers, window: 6, milliseconds: MILLISECONDS };
  const given = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const output = await command(process.execPath, [program, "--json", ...given], "Run `npm run setup`.");
  return z.object({ seconds: z.number() }).parse(JSON.parse(output)).seconds;
}

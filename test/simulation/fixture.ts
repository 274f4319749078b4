import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generatorOf } from "../../storage/generator.js";
import { checkoutFolder } from "../../storage/home.js";
import { normalValues } from "./draw.js";
import type { Pool } from "./pool.js";

/** A line of what `npm run simulate -- --study NAME --record FILE` writes: real outcomes of a study. */
interface RecordedPool {
  name: string;
  /** Records of each task. */
  records: readonly number[];
  leastCertainFirst: readonly (readonly number[])[];
  compressed: number;
  /** [set][task]: a bit a record, the first in the highest; hexadecimal. */
  sets: readonly (readonly string[])[];
}

const recordedFile = join(checkoutFolder, "test", "simulation", "outcomes.jsonl");

/** The recorded pools: sets of all sources of a study, as of one source of mixed texts, by method. */
export async function recordedPools(): Promise<Pool[]> {
  const lines = (await readFile(recordedFile, "utf8")).trimEnd().split("\n");
  return lines.map((line) => {
    const { name, records, sets, ...dense } = JSON.parse(line) as RecordedPool;
    return { name, sets: sets.map((set) => set.map((hex, task) => bits(hex, records[task]))), dense };
  });
}

/** Numbers alone: no text of a record or a set. */
export async function recordPools(pools: readonly Pool[], file: string): Promise<void> {
  const lines = pools.flatMap(({ name, sets, dense }) => {
    if (dense === undefined) return [];
    const records = sets[0].map(({ length }) => length);
    const recorded: RecordedPool = { name, records, ...dense, sets: sets.map((set) => set.map(hexOf)) };
    return [`${JSON.stringify(recorded)}\n`];
  });
  await writeFile(file, lines.join(""));
}

function bits(hex: string, count: number): Uint8Array {
  const bytes = Buffer.from(hex, "hex");
  return Uint8Array.from({ length: count }, (_, i) => (bytes[i >> 3] >> (7 - (i & 7))) & 1);
}

function hexOf(values: ArrayLike<number>): string {
  const bytes = Buffer.alloc(Math.ceil(values.length / 8));
  for (let i = 0; i < values.length; i++) bytes[i >> 3] |= values[i] << (7 - (i & 7));
  return bytes.toString("hex");
}

/**
 * Sets that differ by more than their records account for, as those of a mixed source do: a logit's worth of the record, of the
 * set, and of both together decide each outcome.
 */
export function madeUpPool({ count = 24, records = [100, 100, 100], ofSet = 0.25, ofBoth = 0.5 } = {}): Pool {
  const generator = generatorOf("made-up sets");
  const normal = () => normalValues(1, generator)[0];
  const ease = records.map((length) => Array.from({ length }, () => 1.5 * normal()));
  const sets = Array.from({ length: count }, () => {
    const level = ofSet * normal();
    return ease.map((task) => Uint8Array.from(task, (own) => Number(own + level + ofBoth * normal() > 0)));
  });
  return { name: "made-up sets that differ more", sets };
}

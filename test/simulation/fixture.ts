import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { generatorOf } from "../../storage/generator.js";
import { normalValues } from "./draw.js";
import type { Pool } from "./pool.js";

interface Fixture {
  about: string;
  /** Records by task. */
  tasks: Readonly<Record<string, number>>;
  /** A bit a record, the first in the highest; hexadecimal, by task. */
  sets: readonly { source: string; set: number; outcomes: readonly string[] }[];
}

/** Real outcomes of models compressed with different sets; all of them as one pool, of sets from mixed texts. */
export async function fixturePool(): Promise<Pool> {
  const file = join(import.meta.dirname, "../../../test/simulation/outcomes.json");
  const { about, tasks, sets } = JSON.parse(await readFile(file, "utf8")) as Fixture;
  const counts = Object.values(tasks);
  return { name: about, sets: sets.map(({ outcomes }) => outcomes.map((hex, task) => bits(hex, counts[task]))) };
}

function bits(hex: string, count: number): Uint8Array {
  const bytes = Buffer.from(hex, "hex");
  return Uint8Array.from({ length: count }, (_, i) => (bytes[i >> 3] >> (7 - (i & 7))) & 1);
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

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { byCertainty } from "../../statistics/least-certain.js";
import { generatorOf } from "../../storage/generator.js";
import { checkoutFolder } from "../../storage/home.js";
import { normalValues } from "./draw.js";
import type { Pool } from "./pool.js";

/** A line of what `npm run simulate -- --study NAME --record FILE` writes: real outcomes of a study. */
interface RecordedPool {
  name: string;
  /** Records of each task. */
  records: readonly number[];
  model: string;
  isPilots: boolean;
  /** [set][task]: a bit a record, the first in the highest; hexadecimal. */
  sets: readonly (readonly string[])[];
  /** [set][task]: a byte a record, its rank by the model's certainty as a share of 255; base64. */
  certainties: readonly (readonly string[])[];
  /** The same of the dense model: [task]. */
  dense: readonly string[];
}

const recordedFile = join(checkoutFolder, "test", "simulation", "outcomes.jsonl");

/** The recorded pools: sets of all sources of a study, as of one source of mixed texts, by method. */
export async function recordedPools(): Promise<Pool[]> {
  const lines = (await readFile(recordedFile, "utf8")).trimEnd().split("\n");
  return lines.map((line) => {
    const { name, model, isPilots, records, sets, certainties, dense } = JSON.parse(line) as RecordedPool;
    return {
      name,
      sets: sets.map((set) => set.map((hex, task) => bits(hex, records[task]))),
      certainty: { model, isPilots, values: certainties.map((set) => set.map(ranks)), dense: dense.map(ranks) },
    };
  });
}

/** Numbers alone: no text of a record or a set. */
export async function recordPools(pools: readonly Pool[], file: string): Promise<void> {
  const lines = pools.flatMap(({ name, sets, certainty }) => {
    if (certainty === undefined) return [];
    const recorded: RecordedPool = {
      name,
      ...{ model: certainty.model, isPilots: certainty.isPilots },
      records: sets[0].map(({ length }) => length),
      sets: sets.map((set) => set.map(hexOf)),
      certainties: certainty.values.map((set) => set.map(base64Of)),
      dense: certainty.dense.map(base64Of),
    };
    return [`${JSON.stringify(recorded)}\n`];
  });
  await writeFile(file, lines.join(""));
}

function ranks(base64: string): Float64Array {
  return Float64Array.from(Buffer.from(base64, "base64"));
}

function base64Of(certainties: Float64Array): string {
  const bytes = Buffer.alloc(certainties.length);
  for (const [rank, record] of byCertainty([certainties]).entries())
    bytes[record] = Math.floor((255 * rank) / certainties.length);
  return bytes.toString("base64");
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

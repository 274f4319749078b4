import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Safetensors } from "../../models/safetensors.js";
import { type MethodSettings, methodSettingsSchema } from "../../study/methods.js";
import { sharedFolder } from "../shared.js";
import { agreement } from "./agreement.js";

/** What the reference implementations make of the quickstart's model with one set of tokens; undefined where there is no such. */
export interface EndToEndCase {
  name: string;
  /** null: the dense model. */
  settings: MethodSettings | null;
  perplexity: number;
  /** Relative; follows from the noise that rounding alone makes. */
  tolerance: number;
  /** Share of each linear of the first blocks in which the reference agrees with itself under rounding noise. */
  blocks?: Readonly<Record<string, number>>;
  seconds?: number;
}

export const endToEnd = join(sharedFolder() ?? "", "reference", "endtoend");

export function readEndToEndCases(): EndToEndCase[] {
  const { cases } = JSON.parse(readFileSync(join(endToEnd, "expected.json"), "utf8")) as {
    cases: Record<string, Omit<EndToEndCase, "name" | "settings"> & { settings: unknown }>;
  };
  return Object.entries(cases).map(([name, { settings, ...expected }]) => ({
    ...expected,
    name,
    settings: settings === null ? null : methodSettingsSchema.parse(settings),
  }));
}

/** `blocks.safetensors` holds every 16th output channel of the linears of the first two blocks. */
const ROW_STEP = 16;
/** What the reference agrees with itself under rounding noise, one run: another rounding may agree a little less. */
const BLOCK_SLACK = 0.05;

/**
 * The linears that agree with the reference's less than the reference does with itself; none where all is well.
 * @param reference `blocks.safetensors`
 * @param weightOf a compressed linear, row-major
 */
export async function disagreements(
  { name, blocks = {} }: EndToEndCase,
  reference: Safetensors,
  weightOf: (block: number, linear: string) => Promise<Float32Array>,
): Promise<string[]> {
  const found: string[] = [];
  for (const [tensor, itself] of Object.entries(blocks)) {
    const expected = reference.tensors.get(`${name}/${tensor}`);
    const [, block, linear] = /^model\.layers\.(\d+)\.(.+)$/.exec(tensor) ?? [];
    if (expected === undefined || linear === undefined)
      throw new Error(`there is no ${name}/${tensor} to compare with`);
    const columns = expected.shape[1];
    const rows = sampledRows(await weightOf(Number(block), linear), columns);
    const share = agreement(rows, expected.data as Float32Array, columns);
    if (share < itself - BLOCK_SLACK) found.push(`${tensor}: ${share} agrees, the reference with itself ${itself}`);
  }
  return found;
}

function sampledRows(weight: Float32Array, columns: number): Float32Array {
  const rows = Math.ceil(weight.length / columns / ROW_STEP);
  const sampled = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const from = row * ROW_STEP * columns;
    sampled.set(weight.subarray(from, from + columns), row * columns);
  }
  return sampled;
}

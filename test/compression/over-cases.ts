import assert from "node:assert/strict";
import fc from "fast-check";
import { parsePattern } from "../../compression/mask.js";
import type { CompressedLayer } from "../../compression/method.js";
import { compressRandom, settingsOf } from "./every-method.js";
import { type CaseOptions, type RandomCase, randomCases } from "./random-case.js";

export const RUNS = { numRuns: 20 };

/** A property of each of some random cases, of another few every time. */
export function always(check: (random: RandomCase) => void, options: CaseOptions = {}): void {
  const cases = randomCases({ sizePower: 1, repeatedRows: true, ...options });
  fc.assert(fc.property(cases, check), RUNS);
}

/** The same cases every time: what holds in nearly all cases is counted in them. */
export function sampled(options: CaseOptions = {}, count = 30): RandomCase[] {
  return fc.sample(randomCases({ sizePower: 1, ...options }), { seed: 11, numRuns: count });
}

export function weightOf({ layer, inputs }: RandomCase, json: object): Float32Array {
  return compressRandom(layer, inputs, settingsOf(json)).weight;
}

/** Elements that are apart by more than rounding of the largest weight. */
export function differing(a: Float32Array, b: Float32Array): number {
  const bound = 1e-4 * a.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
  return a.reduce((count, x, i) => count + (Math.abs(x - b[i]) > bound ? 1 : 0), 0);
}

/** Exactly n of each m are pruned. */
export function assertPattern({ mask }: CompressedLayer, pattern: string): void {
  const { pruned, of } = parsePattern(pattern);
  assert.ok(mask !== undefined);
  for (let start = 0; start < mask.length; start += of) {
    const run = mask.subarray(start, start + of);
    assert.equal(
      run.reduce((sum, kept) => sum + kept, 0),
      of - pruned,
    );
  }
}

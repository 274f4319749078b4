import { type Column, encodeArrow } from "../storage/arrow.js";

/** What the model gave for one request; the rows of an evaluation's Arrow file. */
export interface RequestScore {
  /** Task name as in the harness's results, or the perplexity text's id. */
  task: string;
  /** Index of the record, or of the window. */
  record: number;
  choice: number;
  /** Natural logarithm. */
  loglikelihood: number;
  greedy: boolean;
}

/** An Arrow file with columns task, record, choice, loglikelihood and greedy. */
export function encodeSamples(samples: readonly RequestScore[]): Uint8Array {
  const integers = (values: number[]): Column => ({ kind: "numbers", values: Int32Array.from(values) });
  return encodeArrow("evaluation", {
    task: { kind: "texts", values: samples.map(({ task }) => task) },
    record: integers(samples.map(({ record }) => record)),
    choice: integers(samples.map(({ choice }) => choice)),
    loglikelihood: { kind: "numbers", values: Float64Array.from(samples, ({ loglikelihood }) => loglikelihood) },
    greedy: { kind: "flags", values: samples.map(({ greedy }) => greedy) },
  });
}

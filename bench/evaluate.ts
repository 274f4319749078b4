import { evaluateTask } from "../evaluation/evaluate.js";
import { readTaskRecords } from "../evaluation/records.js";
import { taskNamed } from "../evaluation/registry.js";
import { homePath } from "../storage/home.js";
import type { BenchPart } from "./part.js";
import { secondsSince } from "./timing.js";

interface EvaluateFigures {
  task: string;
  records: number;
  requests: number;
  seconds: number;
  requestsPerSecond: number;
  tokensPerSecond: number;
}

const TASKS = [
  { task: "piqa", limit: 50 },
  { task: "openbookqa", limit: 50 },
] as const;

/** Requests are a record's choices; what they share is read once. */
export const evaluatePart: BenchPart<EvaluateFigures[]> = {
  title: "evaluation",
  usualSeconds: 15,
  measure: async ({ model }) => {
    const tokenizer = await model.tokenizer();
    const measured: EvaluateFigures[] = [];
    for (const { task, limit } of TASKS) {
      const data = await readTaskRecords(homePath("data", "benchmarks"), taskNamed(task));
      let tokens = 0;
      const onProgress = (_done: number, total: number) => {
        tokens = total;
      };
      const started = performance.now();
      const { samples } = await evaluateTask(model, tokenizer, taskNamed(task), data, {
        ...{ limit, addBos: "auto", onProgress },
      });
      const seconds = secondsSince(started);
      measured.push({
        ...{ task, records: limit, requests: samples.length, seconds },
        requestsPerSecond: samples.length / seconds,
        tokensPerSecond: tokens / seconds,
      });
    }
    return measured;
  },
  show: (measured) => ({
    head: ["task", "records", "requests", "seconds", "requests/s", "tokens/s"],
    rows: measured.map(({ task, records, requests, seconds, requestsPerSecond, tokensPerSecond }) => [
      task,
      String(records),
      String(requests),
      seconds.toFixed(1),
      requestsPerSecond.toFixed(1),
      tokensPerSecond.toFixed(0),
    ]),
  }),
};

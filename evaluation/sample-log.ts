import { sha256 } from "../storage/identity.js";
import type { EvaluatedTask } from "./harness-results.js";
import { type Answer, recordValue } from "./metrics.js";
import { requestsOf } from "./question.js";
import type { Records } from "./records.js";

/**
 * One line a record, in the layout of lm-evaluation-harness 0.4's `samples_<task>_<date>.jsonl`, which its viewers read: what was
 * asked, each request's log-likelihood and whether it was greedy (as texts), and the record's value of each metric.
 */
export function sampleLines({ task, answers }: EvaluatedTask, records: Records["records"]): string {
  return answers.map((answer, i) => `${JSON.stringify(sample(answer, i))}\n`).join("");

  function sample(answer: Answer, index: number) {
    const { question, scores } = answer;
    const requests = requestsOf(question);
    const responses = scores.map(({ loglikelihood, greedy }) => [
      pythonFloat(loglikelihood),
      greedy ? "True" : "False",
    ]);
    const doc = plainJson(records[index]);
    const target = targetOf(answer);
    return {
      doc_id: index,
      doc,
      target,
      arguments: Object.fromEntries(
        requests.map(({ context, continuation }, i) => [`gen_args_${i}`, { arg_0: context, arg_1: continuation }]),
      ),
      resps: responses.map((response) => [response]),
      filtered_resps: responses,
      filter: "none",
      metrics: task.metrics,
      doc_hash: sha256(JSON.stringify(doc, null, 2)),
      prompt_hash: sha256(requests[0].context),
      target_hash: sha256(target),
      ...Object.fromEntries(task.metrics.map((metric) => [metric, finite(recordValue(metric, answer))])),
    };
  }
}

/** `samples_<task>_<date>.jsonl`; the date has no underscores and no colons. */
export function sampleFile(task: string, date: Date): string {
  return `samples_${task.replaceAll(/[^\w.@-]/g, "-")}_${fileDate(date)}.jsonl`;
}

export function resultsFile(date: Date): string {
  return `results_${fileDate(date)}.json`;
}

function fileDate(date: Date): string {
  return date.toISOString().replace("Z", "").replaceAll(":", "-");
}

function targetOf({ question }: Answer): string {
  switch (question.form) {
    case "choices":
      return String(question.gold);
    case "contexts":
      return question.continuation;
    case "completion":
      return question.target;
  }
}

/** As Python writes it. */
function pythonFloat(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value < 0 ? "-inf" : "inf";
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}

/** JSON has no NaN. */
function finite(value: number): number | string {
  return Number.isFinite(value) ? value : pythonFloat(value);
}

function plainJson(record: unknown): unknown {
  return JSON.parse(JSON.stringify(record, (_, value) => (typeof value === "bigint" ? Number(value) : value)));
}

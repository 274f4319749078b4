import type { Evaluation, Figure } from "../study/results.js";
import { taskOf } from "./registry.js";

/** A task's evaluation, and the records that its file has. */
export interface EvaluatedTask {
  evaluation: Evaluation;
  records: number;
}

export interface ResultsConfig {
  /** The model's path. */
  model: string;
  digest: string;
  limit: number | null;
  addBos: "auto" | boolean;
}

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/**
 * Results in the layout of lm-evaluation-harness 0.4's results file. Numbers that JSON lacks are the texts "nan", "inf" and "-inf";
 * a standard error over a single record is "N/A", as in the harness.
 */
export function harnessResults(tasks: readonly EvaluatedTask[], config: ResultsConfig): Record<string, Json> {
  const perTask = (value: (task: EvaluatedTask) => Json): Record<string, Json> =>
    Object.fromEntries(tasks.map((task) => [task.evaluation.id, value(task)]));
  return {
    results: perTask(({ evaluation }) => figuresOf(evaluation)),
    configs: perTask(({ evaluation }) => describe(evaluation.id)),
    versions: perTask(({ evaluation }) => taskOf(evaluation.id).version),
    "n-shot": perTask(() => 0),
    higher_is_better: perTask(({ evaluation }) =>
      Object.fromEntries(Object.keys(evaluation.metrics).map((metric) => [metric, metric !== "perplexity"])),
    ),
    "n-samples": perTask(({ evaluation, records }) => ({ original: records, effective: evaluation.count })),
    config: {
      model: "touchstone",
      model_args: `pretrained=${config.model},dtype=float32`,
      model_digest: config.digest,
      limit: config.limit,
      add_bos_token: config.addBos === "auto" ? null : config.addBos,
    },
  };
}

function figuresOf({ id, metrics, standardErrors }: Evaluation): Record<string, Json> {
  const entries = Object.entries(metrics).flatMap(([metric, figure]): [string, Json][] => [
    [`${metric},none`, plain(figure)],
    [`${metric}_stderr,none`, metric in standardErrors ? plain(standardErrors[metric]) : "N/A"],
  ]);
  return { alias: id, ...Object.fromEntries(entries) };
}

function describe(name: string): Record<string, Json> {
  const { version, split, metrics } = taskOf(name);
  return {
    task: name,
    [`${split}_split`]: split,
    metric_list: metrics.map((metric) => ({ metric })),
    num_fewshot: 0,
    metadata: { version },
  };
}

function plain(figure: Figure): Json {
  return figure.value === null ? figure.nonFinite : figure.value;
}

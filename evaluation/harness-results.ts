import type { Figure } from "../study/results.js";
import type { TaskEvaluation } from "./evaluate.js";
import { FEW_SHOT_SEED } from "./few-shot.js";
import { aggregate, evaluationsIn, type Group } from "./group.js";
import type { AddBos } from "./requests.js";
import { aggregationOf, isHigherBetter, type Metric, type Task } from "./task.js";

/** A task's evaluation, and the records that its file has. */
export interface EvaluatedTask extends TaskEvaluation {
  task: Task;
  records: number;
}

export interface ResultsConfig {
  /** The model's path. */
  model: string;
  digest: string;
  limit: number | null;
  addBos: AddBos;
  noiseSeed?: number;
  /** When the evaluation began. */
  date: Date;
  /** Of the evaluation. */
  seconds: number;
}

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
type JsonObject = { readonly [key: string]: Json };

/**
 * Results in the layout of lm-evaluation-harness 0.4.13's results file. Numbers that JSON lacks are the texts "nan", "inf" and
 * "-inf"; a standard error over a single record is "N/A", as in the harness.
 */
export function harnessResults(
  tasks: readonly EvaluatedTask[],
  groups: readonly Group[],
  config: ResultsConfig,
): JsonObject {
  const perTask = (value: (task: EvaluatedTask) => Json): JsonObject =>
    Object.fromEntries(tasks.map((each) => [each.task.name, value(each)]));
  const perGroup = (value: (group: Group) => Json | undefined): JsonObject =>
    Object.fromEntries(
      groups.flatMap((group) => ((json) => (json === undefined ? [] : [[group.name, json]]))(value(group))),
    );
  const groupFigures = perGroup((group) => figuresOfGroup(group, groups, tasks));
  const aggregated = perGroup((group) => (group.metrics.length === 0 ? undefined : groupFigures[group.name]));
  const shots = perTask(({ task }) => task.fewShot.count);
  return {
    results: { ...perTask(figuresOf), ...groupFigures },
    ...(Object.keys(aggregated).length === 0 ? {} : { groups: aggregated }),
    group_subtasks: perGroup(({ tasks: members }) => members),
    configs: perTask(describe),
    versions: { ...perTask(({ task }) => task.version), ...perGroup(({ version }) => String(version)) },
    "n-shot": { ...shots, ...perGroup((group) => commonValue(group.tasks.map((name) => shots[name]))) },
    higher_is_better: {
      ...perTask(({ task }) => higherIsBetter(task.metrics)),
      ...perGroup((group) => higherIsBetter(tasks.filter(isIn(group, groups)).flatMap(({ task }) => task.metrics))),
    },
    "n-samples": perTask(({ evaluation, records }) => ({ original: records, effective: evaluation.count })),
    notes: Object.fromEntries(tasks.flatMap(noteOf)),
    config: {
      model: "touchstone",
      model_args: `pretrained=${config.model},dtype=float32`,
      model_digest: config.digest,
      limit: config.limit,
      add_bos_token: config.addBos === "auto" ? null : config.addBos,
      fewshot_seed: FEW_SHOT_SEED,
      ...(tasks.some(({ task }) => task.perturbed !== undefined) ? { noise_seed: config.noiseSeed ?? 0 } : {}),
    },
    date: config.date.getTime() / 1000,
    model_source: "touchstone",
    model_name: config.model,
    model_name_sanitized: sanitizeModelName(config.model),
    total_evaluation_time_seconds: String(config.seconds),
  };
}

/** A model's name as the harness names its folder of results. */
export function sanitizeModelName(model: string): string {
  return model.replaceAll(/["<>:/|\\?*[\]]+/g, "__");
}

/** What a question of the task is called in the harness. */
function outputType({ answers }: TaskEvaluation): "loglikelihood" | "multiple_choice" {
  return answers[0]?.question.form === "completion" ? "loglikelihood" : "multiple_choice";
}

function figuresOf({ task, evaluation }: EvaluatedTask): JsonObject {
  const { metrics, standardErrors, count } = evaluation;
  const alias = task.config?.task_alias;
  return {
    name: task.name,
    alias: typeof alias === "string" ? alias : task.name,
    sample_len: count,
    ...Object.fromEntries(Object.keys(metrics).flatMap((name) => pair(name, metrics[name], standardErrors[name]))),
  };
}

function figuresOfGroup(group: Group, groups: readonly Group[], tasks: readonly EvaluatedTask[]): JsonObject {
  const evaluations = evaluationsIn(
    group,
    groups,
    tasks.map(({ evaluation }) => evaluation),
  );
  const figures = aggregate(group, evaluations);
  return {
    alias: group.alias ?? group.name,
    name: group.name,
    ...(figures.length === 0
      ? {}
      : {
          sample_len: evaluations.reduce((sum, { count }) => sum + count, 0),
          ...Object.fromEntries(figures.flatMap((figure) => pair(figure.metric, figure.value, figure.standardError))),
          sample_count: Object.fromEntries(figures.map(({ metric, count }) => [`${metric},none`, count])),
        }),
  };
}

function pair(metric: string, value: Figure, standardError: Figure | undefined): [string, Json][] {
  return [
    [`${metric},none`, plain(value)],
    [`${metric}_stderr,none`, standardError === undefined ? "N/A" : plain(standardError)],
  ];
}

function isIn(group: Group, groups: readonly Group[]): (task: EvaluatedTask) => boolean {
  return ({ evaluation }) => evaluationsIn(group, groups, [evaluation]).length > 0;
}

function commonValue(values: readonly (Json | undefined)[]): Json | undefined {
  return values.every((value) => value === values[0]) ? values[0] : undefined;
}

function higherIsBetter(metrics: readonly Metric[]): JsonObject {
  return Object.fromEntries(metrics.map((metric) => [metric, isHigherBetter(metric)]));
}

function describe({ task, ...evaluated }: EvaluatedTask): JsonObject {
  const { name, version, split, metrics, fewShot, config } = task;
  return {
    [`${split}_split`]: split,
    // A definition from a file came as YAML, so it is plain JSON.
    ...(config as JsonObject | undefined),
    task: name,
    output_type: outputType(evaluated),
    metric_list: metrics.map((metric) => ({
      metric,
      aggregation: aggregationOf(metric),
      higher_is_better: isHigherBetter(metric),
    })),
    num_fewshot: fewShot.count,
    metadata: { ...(config?.metadata as JsonObject | undefined), version },
  };
}

/** What a reader of the figures should know of the records. */
function noteOf({ task, evaluation: { truncated, duplicates } }: EvaluatedTask): [string, Json][] {
  if (truncated === undefined && duplicates === undefined) return [];
  return [[task.name, { truncated_requests: truncated ?? 0, duplicate_records: duplicates ?? 0 }]];
}

function plain(figure: Figure): Json {
  return figure.value === null ? figure.nonFinite : figure.value;
}

import { toFigure, toNumber } from "../study/figures.js";
import type { Evaluation, Figure } from "../study/results.js";

/** A metric of a group: the mean of its tasks'. */
export interface GroupMetric {
  metric: string;
  /** Whether each task counts by its records, or all the same. */
  weightBySize: boolean;
}

/** Tasks under one name, and what is told of all of them together. */
export interface Group {
  name: string;
  alias?: string;
  version: number | string;
  /** Names of tasks and groups. */
  tasks: readonly string[];
  /** None: the group is a name for its tasks and nothing more. */
  metrics: readonly GroupMetric[];
}

export interface GroupFigure {
  metric: string;
  value: Figure;
  /** undefined where a task has none. */
  standardError: Figure | undefined;
  /** Records of all tasks that have the metric. */
  count: number;
}

/** The evaluations of a group's tasks, and of its groups' tasks. */
export function evaluationsIn(group: Group, groups: readonly Group[], all: readonly Evaluation[]): Evaluation[] {
  return group.tasks.flatMap((name) => {
    const inner = groups.find((each) => each.name === name);
    return inner === undefined ? all.filter(({ id }) => id === name) : evaluationsIn(inner, groups, all);
  });
}

/**
 * A group's metrics as lm-evaluation-harness 0.4 has them: means, and standard errors pooled over all records. A metric that no
 * task has is left out.
 */
export function aggregate({ metrics }: Group, evaluations: readonly Evaluation[]): GroupFigure[] {
  return metrics.flatMap(({ metric, weightBySize }) => {
    const having = evaluations.filter((evaluation) => metric in evaluation.metrics);
    if (having.length === 0) return [];
    const sizes = having.map(({ count }) => count);
    const weights = weightBySize ? sizes : sizes.map(() => 1);
    const values = having.map((evaluation) => toNumber(evaluation.metrics[metric]) ?? Number.NaN);
    const errors = having.map(({ standardErrors }) => toNumber(standardErrors[metric]));
    const mean = sum(values.map((value, i) => value * weights[i])) / sum(weights);
    const pooled = errors.every((error) => error !== undefined) ? toFigure(pooledError(errors, sizes)) : undefined;
    return [{ metric, value: toFigure(mean), standardError: pooled, count: sum(sizes) }];
  });
}

/** From the pooled variance of all records; weights by size or not. */
function pooledError(errors: readonly number[], sizes: readonly number[]): number {
  const total = sum(sizes);
  const variance = sum(errors.map((error, i) => (sizes[i] - 1) * error ** 2 * sizes[i])) / (total - sizes.length);
  return Math.sqrt(variance / total);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

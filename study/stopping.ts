import { z } from "zod";
import { isUnperturbed } from "./task-name.js";

/** When the mean of a source is known, so that no further sets are added. */
export const stoppingSchema = z.strictObject({
  /** Of the interval of a source's mean: percentage points of accuracy, or the unit of a perplexity. */
  halfWidth: z.number().positive(),
  /** Sets of a source before the first look. */
  minimum: z.int().min(2).default(3),
  /** Sets of a source at most; left out: `calibration.sets`. */
  maximum: z.int().positive().optional(),
  /** Id of a perplexity; left out: the tasks' mean accuracy, or the first perplexity where there are no tasks. */
  measure: z.string().min(1).optional(),
});

type Stopping = z.output<typeof stoppingSchema>;

interface Measured {
  stopping?: Stopping;
  evaluation: { tasks: readonly string[]; perplexity: readonly { id: string }[] };
}

/**
 * Key of the measure that a study with `stopping` looks at, as reports have it: the mean accuracy over the tasks, unless a
 * perplexity is named or there is no task with unperturbed inputs; undefined where there is no perplexity either.
 */
export function stoppingMeasure({ stopping, evaluation }: Measured): string | undefined {
  const { tasks, perplexity } = evaluation;
  const isTask = tasks.some(isUnperturbed);
  if (stopping?.measure === undefined && isTask) return "tasksMean";
  const id = stopping?.measure ?? perplexity[0]?.id;
  return id === undefined ? undefined : `perplexity:${id}`;
}

/** Adds an issue for what the rule says that the rest of the specification doesn't allow. */
export function checkStopping(spec: Measured & { calibration: { sets: number } }, context: z.RefinementCtx): void {
  if (spec.stopping === undefined) return;
  const { minimum, maximum, measure } = spec.stopping;
  const wrong = (key: keyof Stopping, message: string) =>
    context.addIssue({ code: "custom", path: ["stopping", key], message });
  const { sets } = spec.calibration;
  if (maximum !== undefined && maximum > sets) {
    wrong("maximum", `is ${maximum}, but calibration.sets gives a source ${sets} sets: raise that, or leave this out`);
  }
  const most = Math.min(maximum ?? sets, sets);
  if (minimum > most) wrong("minimum", `is ${minimum}, but a source has ${most} sets at most`);
  const texts = spec.evaluation.perplexity.map(({ id }) => id);
  if (measure !== undefined && !texts.includes(measure)) {
    const known = texts.length === 0 ? "there is none" : texts.join(", ");
    wrong("measure", `is ${measure}, which is no id of evaluation.perplexity (${known}); left out: accuracy`);
  }
  if (spec.evaluation.tasks.length > 0 && stoppingMeasure(spec) === undefined) {
    wrong("measure", "is missing: all tasks have perturbed inputs, and there is no perplexity");
  }
}

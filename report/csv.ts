import { stringify } from "csv-stringify/sync";
import { toNumber } from "../study/figures.js";
import type { CellResult, Evaluation, StudyResults } from "../study/results.js";
import { splitTaskName } from "../study/task-name.js";

const COLUMNS = [
  "study",
  "model",
  "method",
  "settings",
  "source",
  "size",
  "set",
  "noise",
  "evaluation",
  "kind",
  "metric",
  "value",
  "standard_error",
  "count",
  "bits_per_weight",
  "sparsity",
  "layer_error",
  "calibration_digest",
  "compress_seconds",
  "evaluate_seconds",
  "perturbation",
  "clean_minus_perturbed",
] as const;

type Row = Record<(typeof COLUMNS)[number], string | number | null>;

/**
 * Long format, one row per cell, evaluation and metric, with a header. Accuracies are 0..1; non-finite figures are `nan`,
 * `inf` and `-inf`, which pandas and R read; what doesn't apply is empty. `settings` is the method's JSON. Of a perturbed task
 * `clean_minus_perturbed` is the metric of the same cell without perturbation less `value`.
 */
export function renderCsv(results: StudyResults): string {
  const rows = results.cells.flatMap((cell) =>
    cell.evaluations.flatMap((evaluation) =>
      Object.keys(evaluation.metrics).map((metric) => rowOf(results.name, cell, evaluation, metric)),
    ),
  );
  return stringify(rows, { header: true, columns: [...COLUMNS] });
}

function rowOf(study: string, cell: CellResult, evaluation: Evaluation, metric: string): Row {
  const perturbation = evaluation.kind === "task" ? splitTaskName(evaluation.id).perturbation : null;
  return {
    study,
    model: cell.model,
    method: cell.methodLabel,
    settings: cell.method && JSON.stringify(cell.method),
    source: cell.source,
    size: cell.size,
    set: cell.set,
    noise: cell.noise,
    evaluation: evaluation.id,
    kind: evaluation.kind,
    metric,
    value: spell(toNumber(evaluation.metrics[metric])),
    standard_error: spell(toNumber(evaluation.standardErrors[metric])),
    count: evaluation.count,
    bits_per_weight: cell.bitsPerWeight,
    sparsity: cell.sparsity,
    layer_error: cell.error,
    calibration_digest: cell.calibrationDigest,
    compress_seconds: cell.seconds.compress,
    evaluate_seconds: cell.seconds.evaluate,
    perturbation,
    clean_minus_perturbed: spell(perturbation === null ? undefined : lossOf(cell, evaluation, metric)),
  };
}

/** What the same cell has without perturbation less what it has with it; undefined where it was not measured. */
function lossOf(cell: CellResult, { id, metrics }: Evaluation, metric: string): number | undefined {
  const { task } = splitTaskName(id);
  const clean = cell.evaluations.find((each) => each.id === task && each.kind === "task");
  const [before, after] = [toNumber(clean?.metrics[metric]), toNumber(metrics[metric])];
  return before === undefined || after === undefined ? undefined : before - after;
}

function spell(value: number | undefined): string | number | null {
  if (value === undefined || Number.isFinite(value)) return value ?? null;
  return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

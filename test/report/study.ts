import { type MethodName, type MethodSettings, methodSchemas } from "../../study/methods.js";
import type { CellResult, Evaluation, StudyResults } from "../../study/results.js";

/** What a made-up cell measures: accuracies in 0..1 by task, perplexities by text. */
export interface Measured {
  tasks?: Record<string, number>;
  perplexities?: Record<string, number>;
}

export interface Place {
  method?: MethodName;
  source?: string;
  size?: number;
  set?: number;
  noise?: number;
  model?: string;
}

export function settingsOf(method: MethodName): MethodSettings {
  return methodSchemas[method].parse({ method }) as MethodSettings;
}

/** A cell of the given place; without a method the dense model's. */
export function cellOf(place: Place, measured: Measured): CellResult {
  const { method, model = "tiny" } = place;
  const evaluations: Evaluation[] = [
    ...Object.entries(measured.tasks ?? {}).map(([id, acc]) => evaluationOf("task", id, "acc", acc)),
    ...Object.entries(measured.perplexities ?? {}).map(([id, value]) =>
      evaluationOf("perplexity", id, "perplexity", value),
    ),
  ];
  const shared = { model, evaluations, error: null, seconds: { compress: 41, evaluate: 66 } };
  if (method === undefined) {
    const nowhere = { method: null, methodLabel: "dense", source: null, size: null, set: null, noise: null };
    return { ...shared, ...nowhere, bitsPerWeight: null, sparsity: null, calibrationDigest: null };
  }
  const { source = "news", size = 128, set = 0, noise = null } = place;
  const pruned = method === "wanda" || method === "magnitude";
  const coordinates = { method: settingsOf(method), methodLabel: method, source, size, set, noise };
  return {
    ...shared,
    ...coordinates,
    bitsPerWeight: pruned ? 9 : 4.25,
    sparsity: pruned ? 0.5 : 0,
    calibrationDigest: `sha256-${source}-${size}-${set}`,
  };
}

export function resultsOf(cells: readonly CellResult[], more: Partial<StudyResults> = {}): StudyResults {
  const base = {
    name: "tiny-study",
    spec: {},
    tableMetric: "acc" as const,
    failed: [],
    skipped: [],
    cancelled: [],
    contamination: [],
    environment: {},
  };
  return { ...base, dataFreeMethods: ["rtn", "magnitude"], cells, ...more };
}

function evaluationOf(kind: Evaluation["kind"], id: string, metric: string, value: number): Evaluation {
  const figure = Number.isFinite(value)
    ? { value }
    : {
        value: null,
        nonFinite: Number.isNaN(value) ? ("nan" as const) : value > 0 ? ("inf" as const) : ("-inf" as const),
      };
  const standardErrors =
    kind === "task" && Number.isFinite(value) ? { [metric]: { value: Math.sqrt((value * (1 - value)) / 499) } } : {};
  return { id, kind, metrics: { [metric]: figure }, standardErrors, count: kind === "task" ? 500 : 12_264 };
}

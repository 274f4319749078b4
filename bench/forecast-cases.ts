import { homePath } from "../storage/home.js";
import type { MethodSettings } from "../study/methods.js";
import { parseStudySpec, type StudySpec } from "../study/spec.js";
import type { RandomShape } from "./random-model.js";

/** A small study whose forecast is held against what it takes. */
export interface ForecastCase {
  title: string;
  /** null: the quickstart's model. */
  shape: RandomShape | null;
  method: MethodSettings["method"];
  /** Sequences and tokens of the calibration set. */
  size: number;
  length: number;
  tasks: readonly string[];
  limit: number;
  windows: number;
}

const SMALL: RandomShape = { hiddenSize: 256, intermediateSize: 768, blocks: 8, heads: 4 };
const WIDE: RandomShape = { hiddenSize: 1024, intermediateSize: 2816, blocks: 4, heads: 16 };

/** Different models, methods, set sizes and numbers of tasks. */
export const forecastCases: readonly ForecastCase[] = [
  of(null, "gptq", 16, 256, ["piqa"], 50, 8),
  of(null, "gptq", 4, 256, [], 0, 4),
  of(null, "gptq", 32, 128, ["piqa", "openbookqa"], 30, 4),
  of(null, "gptq", 8, 1024, ["openbookqa"], 40, 2),
  of(null, "spqr", 16, 256, ["piqa"], 30, 4),
  of(null, "spqr", 8, 128, [], 0, 16),
  of(null, "sparsegpt", 16, 256, ["openbookqa"], 60, 4),
  of(null, "sparsegpt", 32, 256, [], 0, 8),
  of(null, "wanda", 16, 256, ["piqa"], 100, 4),
  of(null, "wanda", 32, 512, [], 0, 4),
  of(null, "wanda", 4, 128, ["piqa", "openbookqa"], 20, 2),
  of(null, "rtn", 4, 128, ["piqa"], 60, 4),
  of(null, "rtn", 4, 128, [], 0, 32),
  of(null, "magnitude", 4, 128, ["openbookqa"], 100, 4),
  of(SMALL, "gptq", 32, 256, ["piqa"], 100, 8),
  of(SMALL, "wanda", 64, 256, ["openbookqa"], 100, 8),
  of(SMALL, "spqr", 16, 256, [], 0, 16),
  of(WIDE, "gptq", 16, 256, ["piqa"], 50, 8),
  of(WIDE, "sparsegpt", 16, 512, [], 0, 8),
  of(WIDE, "rtn", 4, 128, ["openbookqa"], 50, 8),
];

function of(
  shape: RandomShape | null,
  method: ForecastCase["method"],
  size: number,
  length: number,
  tasks: readonly string[],
  limit: number,
  windows: number,
): ForecastCase {
  const model = shape === null ? "SmolLM2-135M" : `random ${shape.hiddenSize} x ${shape.blocks}`;
  const measured = [...(tasks.length === 0 ? [] : [`${tasks.join("+")} ${limit}`]), `${windows} windows`].join(", ");
  const title = `${model}, ${method}, ${size} x ${length}, ${measured}`;
  return { title, shape, method, size, length, tasks, limit, windows };
}

/** @param model its path */
export function specOf({ method, size, length, tasks, limit, windows }: ForecastCase, model: string): StudySpec {
  return parseStudySpec({
    name: "forecast",
    models: [{ id: "model", path: model }],
    sources: [{ id: "sotu", path: homePath("data", "corpora", "sotu.jsonl") }],
    methods: [{ method }],
    calibration: { sizes: [size], length, sets: 1 },
    evaluation: {
      tasks: [...tasks],
      ...(tasks.length === 0 ? {} : { data: homePath("data", "benchmarks"), limit }),
      perplexity: [{ id: "heldout", path: homePath("data", "heldout.txt"), length: 512, limit: windows }],
    },
    checkpoints: { bucket: "forecast" },
    concurrency: { cells: 1 },
  });
}

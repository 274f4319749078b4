import type { MethodName } from "../../study/methods.js";
import type { CellResult, StudyResults } from "../../study/results.js";
import { cellOf, type Measured, resultsOf, settingsOf } from "./study.js";

const SOURCES = ["state-of-the-union", "moby-dick", "news"];
const METHODS = ["rtn", "gptq", "wanda", "magnitude"] as const satisfies readonly MethodName[];
type Level = { accuracy: number; perplexity: number; source: number; set: number; noise: number };

/** Level, spread of sources, of sets, and of noise: accuracies and perplexity as of a small model. */
const LEVELS: Record<(typeof METHODS)[number], Level> = {
  rtn: { accuracy: 0.452, perplexity: 26.1, source: 0, set: 0, noise: 0.002 },
  gptq: { accuracy: 0.468, perplexity: 22.7, source: 0.006, set: 0.004, noise: 0.003 },
  wanda: { accuracy: 0.405, perplexity: 47.9, source: 0.03, set: 0.008, noise: 0.007 },
  magnitude: { accuracy: 0.331, perplexity: 2870, source: 0, set: 0, noise: 0.004 },
};

/**
 * A whole made-up study with everything a report shows: three sources, noise replicates, a failed cell, an infinite figure,
 * contamination. The same seed gives the same study.
 */
export function realisticStudy({
  sets = 5,
  sizes = [128],
  replicates = 4,
  seed = 1,
  perturbed = false,
} = {}): StudyResults {
  const normal = normalNumbers(seed);
  const cells: CellResult[] = [cellOf({ model: MODEL }, measured(0.487, 20.9, 0))];
  const shifts = SOURCES.map((_, i) => i - 1);
  for (const method of METHODS) {
    const { accuracy, perplexity, source, set: ofSet, noise } = LEVELS[method];
    for (const size of sizes) {
      SOURCES.forEach((name, i) => {
        for (let set = 0; set < sets; set++) {
          const growth = source === 0 ? 0 : (0.02 * Math.log2(size / 128)) / 3;
          const shift = shifts[i] * source + ofSet * normal() * Math.sqrt(128 / size) + growth;
          const infinite = method === "wanda" && i === 2 && set === 1;
          const place = { model: MODEL, method, source: name, size, set };
          cells.push(
            cellOf(
              place,
              measured(accuracy + shift, infinite ? Number.POSITIVE_INFINITY : perplexity * (1 - 3 * shift), shift),
            ),
          );
        }
      });
    }
    for (let n = 0; n < replicates; n++) {
      const shift = noise * normal();
      const place = { model: MODEL, method, source: SOURCES[0], size: Math.max(...sizes), set: 0, noise: n };
      cells.push(cellOf(place, measured(accuracy + shift - source, perplexity * (1 - 2 * (shift - source)), shift)));
    }
  }
  if (perturbed) cells.splice(0, cells.length, ...cells.map(withPerturbedTasks));
  const lost = cells.findIndex(
    ({ methodLabel, source, set }) => methodLabel === "gptq" && source === SOURCES[1] && set === 1,
  );
  const [{ evaluations: _, bitsPerWeight, sparsity, error, calibrationDigest, seconds, ...place }] = cells.splice(
    lost,
    1,
  );
  return resultsOf(cells, {
    name: "quickstart",
    spec: {
      name: "quickstart",
      models: [{ id: MODEL, path: "models/smollm2.gguf" }],
      sources: SOURCES.map((id) => ({ id, path: `corpora/${id}/*.jsonl`, field: "text" })),
      methods: METHODS.map(settingsOf),
      calibration: { sizes, length: 256, sets, seed: 0, noiseReplicates: replicates },
    },
    failed: [
      {
        ...place,
        errorType: "NumericalError",
        message: "The second moments of model.layers.7.mlp.down_proj aren't positive definite, even with damping 1.",
        at: "block 8 of 30",
        worker: "touchstone-compute@host",
        log: [],
      },
    ],
    contamination: [{ source: "news", set: 3, task: "openbookqa", records: 1 }],
    environment: {
      numerics: "1",
      backend: "tensorflow (native, CPU)",
      "backend version": "2.21.0",
      node: "20.20.2",
      platform: "linux x64, 2 cores",
    },
  });
}

const MODEL = "SmolLM2-135M-Instruct";

/** What two perturbations of PIQA cost: most where the calibration data are speeches, least where they are news; the same where none are used. */
function withPerturbedTasks(cell: CellResult): CellResult {
  const clean = cell.evaluations.find(({ id }) => id === "piqa");
  const accuracy = clean?.metrics.acc.value ?? 0;
  const usesData = cell.methodLabel === "gptq" || cell.methodLabel === "wanda";
  const brittleness = usesData ? 3 - SOURCES.indexOf(cell.source ?? "") : 1;
  const tasks = {
    "piqa@typos:0.1": accuracy - 0.02 * brittleness,
    "piqa@case:0.2:worst4": accuracy - 0.04 * brittleness,
  };
  return { ...cell, evaluations: [...cell.evaluations, ...cellOf({}, { tasks }).evaluations] };
}

/** Scores are multiples of 1/500, as of 500 records. */
function measured(accuracy: number, perplexity: number, shift: number): Measured {
  const round = (value: number) => Math.round(value * 500) / 500;
  return {
    tasks: {
      openbookqa: round(accuracy - 0.12 + shift / 2),
      piqa: round(accuracy + 0.17 - shift / 3),
      boolq: round(accuracy + 0.08),
    },
    perplexities: { "heldout-novel": perplexity },
  };
}

/** Box and Muller's normal numbers from a linear congruential generator. */
export function normalNumbers(seed: number): () => number {
  let state = seed;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

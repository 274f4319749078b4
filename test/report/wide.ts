import { layerErrorCollector } from "../../report/layer-errors.js";
import { type MethodSettings, methodLabels, methodSettingsSchema } from "../../study/methods.js";
import type { CellResult, LayerErrors, StudyModel, StudyResults } from "../../study/results.js";
import { normalNumbers } from "./realistic.js";
import { cellOf, resultsOf } from "./study.js";

const SOURCES = ["c4", "cnn-dm", "redpajama", "wikipedia"];
const METHODS: MethodSettings[] = [
  { method: "gptq", bits: 4 },
  { method: "gptq", bits: 3 },
  { method: "gptq", bits: 2 },
  { method: "wanda", pattern: "2:4" },
  { method: "rtn" },
].map((settings) => methodSettingsSchema.parse(settings));
/** What each of them costs in accuracy, how far sources move it, and where its layers are. */
const COSTS = [0.01, 0.03, 0.12, 0.06, 0.02];

export const WIDE_MODELS: StudyModel[] = [
  { id: "llama-1b", parameters: 1.1e9, base: null },
  { id: "llama-7b", parameters: 6.74e9, base: null },
  { id: "llama-13b", parameters: 13.02e9, base: null },
  { id: "llama-33b", parameters: 32.5e9, base: null },
  { id: "llama-65b", parameters: 65.3e9, base: null },
  { id: "vicuna-7b", parameters: 6.74e9, base: "llama-7b" },
];
const LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj"]
  .map((name) => `self_attn.${name}`)
  .concat(["gate_proj", "up_proj", "down_proj"].map((name) => `mlp.${name}`));

/** A made-up study across set sizes, bits, sizes of models, and layers. The same seed gives the same study. */
export function wideStudy({
  sizes = [1, 8, 64, 128],
  sets = 4,
  replicates = 4,
  blocks = 24,
  models = WIDE_MODELS,
  seed = 1,
} = {}): StudyResults {
  const normal = normalNumbers(seed);
  const labels = methodLabels(METHODS);
  const collector = layerErrorCollector();
  const cells: CellResult[] = [];
  models.forEach(({ id: model, parameters }) => {
    // Larger models are better, and depend less on their data.
    const scale = Math.sqrt(6.74e9 / (parameters ?? 1e9));
    const level = 0.7 - 0.08 * scale;
    cells.push(cellOf({ model }, measured(level, 5 * scale)));
    const place = (m: number, source: number, size: number, set: number, noise?: number) => {
      const usesData = METHODS[m].method !== "rtn";
      const strength = usesData ? scale * COSTS[m] : 0;
      const jitter = noise === undefined ? 0 : 0.003 * normal();
      const shift =
        strength * ((source - 1.5) * 0.15 + 0.12 * normal() * Math.sqrt(16 / (size + 8)) - 0.6 / Math.sqrt(size)) +
        jitter;
      const accuracy = level - COSTS[m] + shift;
      const perplexity = 5 * scale * (1 + 4 * COSTS[m] - 3 * shift + 0.02 * strength * normal());
      const cell = cellOf(
        { model, method: METHODS[m].method, source: SOURCES[source], size, set, noise },
        measured(accuracy, perplexity),
      );
      const layers = METHODS[m].method === "gptq" ? { layers: layersOf(blocks, m, source, normal) } : {};
      cells.push(collector.take({ ...cell, method: METHODS[m], methodLabel: labels[m], ...layers }));
    };
    METHODS.forEach(({ method }, m) => {
      for (const size of sizes)
        for (let set = 0; set < sets; set++) for (const source of SOURCES.keys()) place(m, source, size, set);
      for (let noise = 0; method !== "rtn" && noise < replicates; noise++) place(m, 0, Math.max(...sizes), 0, noise);
    });
  });
  return resultsOf(cells, { name: "wide", models, layers: collector.summaries() });
}

/** Errors grow with depth and with fewer bits; in the second block `down_proj` depends on the source. */
function layersOf(blocks: number, strength: number, source: number, normal: () => number): LayerErrors {
  const errorOf = (block: number, linear: number) => {
    const peculiar = block === 1 && linear === 6 ? 1 + 0.4 * source : 1;
    const level = 0.002 * 4 ** strength * (1 + (2 * block) / blocks) * (1 + linear / 3);
    return Number((level * peculiar * (1 + 0.02 * normal())).toPrecision(4));
  };
  return {
    linears: LINEARS,
    blocks: Array.from({ length: blocks }, (_, block) => LINEARS.map((_, linear) => errorOf(block, linear))),
  };
}

function measured(accuracy: number, perplexity: number) {
  const round = (value: number) => Math.round(value * 2000) / 2000;
  return {
    tasks: { arc_easy: round(accuracy), piqa: round(accuracy + 0.1), boolq: round(accuracy - 0.05) },
    perplexities: { wikitext2: perplexity },
  };
}

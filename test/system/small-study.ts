import { loadModel } from "../../models/load.js";
import { createModelFolder } from "../../models/write-folder.js";
import { expandCells } from "../../study/cells.js";
import { cellWorkflowId } from "../../study/names.js";
import type { CellCoordinates } from "../../study/results.js";
import { parseStudySpec, type StudySpecInput } from "../../study/spec.js";
import type { System } from "./harness.js";
import { dataPath } from "./set-up.js";

/** Blocks of the small model: enough for a kept block boundary with blocks on both sides of it. */
export const BLOCKS = 6;

/** The first blocks of a GGUF model with its embedding, head and tokenizer, as a Hugging Face folder. */
export async function writeSmallModel(from: string, to: string): Promise<void> {
  const whole = await loadModel(from);
  try {
    const { architecture, config, path } = whole;
    const huggingFace = { ...config.huggingFace, num_hidden_layers: BLOCKS };
    const small = { ...whole, config: architecture.readConfig(huggingFace, path) };
    const folder = await createModelFolder(small, to, { dtype: "F32" });
    for (let block = 0; block < BLOCKS; block++) await folder.writeBlock(block, await whole.block(block));
    await folder.finish();
  } finally {
    await whole.close();
  }
}

type Parts = Partial<Omit<StudySpecInput, "calibration" | "evaluation">> & {
  calibration?: Partial<StudySpecInput["calibration"]>;
  evaluation?: Partial<StudySpecInput["evaluation"]>;
};

/** A study of the small model that is done in half a minute; its objects lie under its name, apart from others'. */
export function smallStudy({ model }: System, name: string, parts: Parts = {}): StudySpecInput {
  return {
    name,
    models: [{ id: "small", path: model }],
    sources: [{ id: "sotu", path: dataPath("corpora", "sotu.jsonl") }],
    methods: [{ method: "gptq" }],
    checkpoints: { prefix: name, activations: "every 4 blocks" },
    concurrency: { cells: 1 },
    ...parts,
    calibration: { sizes: [16], length: 256, sets: 1, ...parts.calibration },
    evaluation: {
      tasks: ["piqa"],
      data: dataPath("benchmarks"),
      limit: 60,
      perplexity: [{ id: "heldout", path: dataPath("heldout.txt"), length: 512, limit: 4 }],
      ...parts.evaluation,
    },
  };
}

/** One of a few seconds: little data, one evaluation. Every block's input is kept, so that much is written. */
export function quickStudy(system: System, name: string, parts: Parts = {}): StudySpecInput {
  const perplexity = [{ id: "heldout", path: dataPath("heldout.txt"), length: 64, limit: 1 }];
  return smallStudy(system, name, {
    methods: [{ method: "wanda" }],
    checkpoints: { prefix: name, activations: "every 1 block" },
    ...parts,
    calibration: { sizes: [2], length: 64, ...parts.calibration },
    evaluation: { tasks: [], perplexity, ...parts.evaluation },
  });
}

export function cellsOf(specification: StudySpecInput): CellCoordinates[] {
  const spec = parseStudySpec(specification);
  return spec.models.flatMap(({ id }) => expandCells(spec, id));
}

/** Workflow ids of the study's cells that compress, in the order in which they are started. */
export function compressedCells(specification: StudySpecInput): string[] {
  return cellsOf(specification)
    .filter(({ method }) => method !== null)
    .map((cell) => cellWorkflowId(specification.name, cell));
}

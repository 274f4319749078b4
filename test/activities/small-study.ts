import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readRecord } from "../../activities/cell-records.js";
import { createProcessState } from "../../activities/process-state.js";
import type { StepContext } from "../../activities/step.js";
import { steps } from "../../activities/steps.js";
import { expandCells } from "../../study/cells.js";
import { cellName } from "../../study/names.js";
import { evaluationsOf, type StudyPlan, type StudyRef } from "../../study/plan.js";
import type { StudySpecInput } from "../../study/spec.js";
import { SMALL_CONFIG, type SmallWeights, scratchFolder, writeSmallModel } from "../models/small-model.js";

/** One token a character: a space and the letters a to k, as many as the small model's vocabulary has. */
export const CHARACTERS = ["Ġ", ..."abcdefghijk"];

export function characterTokenizer(characters: readonly string[] = CHARACTERS): string {
  return JSON.stringify({
    added_tokens: [],
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, use_regex: true },
    decoder: { type: "ByteLevel" },
    model: { type: "BPE", vocab: Object.fromEntries(characters.map((c, i) => [c, i])), merges: [] },
  });
}

/** A model of two blocks with its tokenizer. */
export async function writeModel(
  weights?: SmallWeights,
  config: Readonly<Record<string, unknown>> = SMALL_CONFIG,
): Promise<string> {
  const folder = await writeSmallModel(weights, config);
  await writeFile(join(folder, "tokenizer.json"), characterTokenizer());
  return folder;
}

/** Words of the letters that the tokenizer knows, no two texts alike. */
export function letters(seed: number, length: number): string {
  const at = (i: number) => ((i + 1) * (i + 7) * (seed + 3)) % 11;
  return Array.from({ length }, (_, i) => (i % 5 === 4 ? " " : "abcdefghijk"[at(i)])).join("");
}

/** A study of a small model that takes no time, with all its files. */
export async function writeStudy(changes: Partial<StudySpecInput> = {}): Promise<StudySpecInput> {
  const folder = await scratchFolder();
  const lines = (texts: string[]) => texts.map((text) => JSON.stringify({ text })).join("\n");
  const documents = Array.from({ length: 8 }, (_, i) => letters(i, 40));
  await writeFile(join(folder, "source.jsonl"), lines(documents));
  await writeFile(join(folder, "last_word.jsonl"), lines(["abc de fgh", "hij kab cde", "aa bb"]));
  await writeFile(join(folder, "text.txt"), letters(9, 60));
  return {
    name: "small",
    models: [{ id: "model", path: changes.models === undefined ? await writeModel() : "" }],
    sources: [{ id: "source", path: join(folder, "source.jsonl") }],
    methods: [{ method: "gptq", groupSize: 4, blockSize: 8 }],
    calibration: { sizes: [2], length: 16, sets: 2 },
    evaluation: {
      tasks: ["last_word"],
      data: folder,
      perplexity: [{ id: "text", path: join(folder, "text.txt"), length: 16 }],
    },
    checkpoints: { bucket: "bucket", activations: "every 1 block" },
    ...changes,
  };
}

/** A process that knows nothing yet. */
export function freshContext(): StepContext {
  return { state: createProcessState(), report: () => {}, signal: new AbortController().signal };
}

/** Plans a study and computes all its cells that are not skipped, in this process. */
export async function computeStudy(
  input: StudySpecInput,
  context: StepContext = freshContext(),
): Promise<{ study: StudyRef; plan: StudyPlan }> {
  const { study } = await steps.planStudy(input, context);
  const plan = await context.state.plan(study);
  for (const { id } of plan.spec.models) {
    for (const { id: source } of plan.spec.sources) await steps.sampleSource({ study, model: id, source }, context);
    for (const cell of expandCells(plan.spec, id)) {
      if ((await readRecord(context.state.store(study), "skipped", study.name, cellName(cell))) !== undefined) continue;
      await steps.embedCalibration({ study, cell }, context);
      const blocks = cell.method === null ? 0 : plan.models[id].blocks;
      for (let block = 0; block < blocks; block++) await steps.compressBlock({ study, cell, block }, context);
      for (const evaluation of evaluationsOf(plan.spec)) await steps.evaluate({ study, cell, evaluation }, context);
      await steps.finishCell({ study, cell }, context);
    }
  }
  return { study, plan };
}

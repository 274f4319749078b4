import { blockLinears } from "../../compression/linears.js";
import { packSequences } from "../../evaluation/packing.js";
import type { Sequence } from "../../evaluation/requests.js";
import { ROW_TOKENS, scoreSequences } from "../../evaluation/score.js";
import { stableRows } from "../../models/architectures/layers.js";
import type { Model } from "../../models/model.js";
import { lineThrough, type ModelRates } from "../../study/rates.js";
import { medians, secondsOf } from "./time.js";

/** What goes through the model for some sequences. */
export function workOf(sequences: readonly Sequence[]): { tokens: number; predictions: number } {
  const packs = packSequences(sequences, ROW_TOKENS);
  const sum = (of: (pack: (typeof packs)[number]) => number) => packs.reduce((total, pack) => total + of(pack), 0);
  return {
    tokens: sum(({ tokens }) => stableRows(tokens.length)),
    predictions: sum(({ predictions }) => stableRows(new Set(predictions.map(({ place }) => place)).size)),
  };
}

/**
 * Scores sequences with the first blocks of a model.
 * @param sequences real ones, some thousand tokens
 */
export async function measureScoring(model: Model, sequences: readonly Sequence[]): Promise<ModelRates["scoring"]> {
  const few = sequences.slice(0, Math.ceil(sequences.length / 4));
  const [small, large] = [await timeScoring(model, few), await timeScoring(model, sequences)];
  const [work, works] = [workOf(few), workOf(sequences)];
  const line = (part: "body" | "last", by: "tokens" | "predictions" = "tokens") =>
    lineThrough([
      [work[by], small[part]],
      [works[by], large[part]],
    ]);
  const head = lineThrough([
    [work.predictions, small.head],
    [works.predictions, large.head],
  ]);
  return { body: line("body"), last: line("last"), head };
}

/** Seconds between the reads of weights: of the first block, of the last one, and of the head. */
function timeScoring(model: Model, sequences: readonly Sequence[]) {
  const blocks = Math.min(2, model.config.blocks);
  return medians(async () => {
    const marks: { began: number; ended: number }[] = [];
    const marked = async <T>(read: () => Promise<T>): Promise<T> => {
      const began = performance.now();
      const weights = await read();
      marks.push({ began, ended: performance.now() });
      return weights;
    };
    const timed: Model = {
      ...model,
      config: { ...model.config, blocks },
      embedding: () => marked(model.embedding),
      block: (index) => marked(() => model.block(index)),
      head: () => marked(model.head),
    };
    await scoreSequences(timed, sequences);
    const ended = performance.now();
    // The embedding, the blocks, the head.
    const after = (read: number) => ((marks[read + 1]?.began ?? ended) - marks[read].ended) / 1000;
    return { body: after(1), last: after(blocks), head: after(blocks + 1) };
  });
}

export async function measureReads(model: Model): Promise<ModelRates["read"]> {
  const index = Math.floor(model.config.blocks / 2);
  const linears = new Set(blockLinears(model, index).flatMap((group) => group.map(({ name }) => name)));
  return medians(async () => ({
    embedding: await secondsOf(model.embedding),
    block: await secondsOf(() => model.block(index)),
    rest: await secondsOf(() => model.block(index, linears)),
    head: await secondsOf(model.head),
  }));
}

import { indexRecords, type RecordIndex } from "../calibration/contamination.js";
import { addedTokens } from "../calibration/given-sets.js";
import type { Inspection, NamedSet } from "../calibration/inspection/findings.js";
import { inspectSets } from "../calibration/inspection/inspect-sets.js";
import { tokenPerplexity } from "../evaluation/perplexity.js";
import { recordTexts } from "../evaluation/record-texts.js";
import type { ScoreOptions } from "../evaluation/score.js";
import type { Task } from "../evaluation/task.js";
import type { Progress } from "../infra/progress.js";
import type { Model } from "../models/model.js";
import type { Tokenizer } from "../models/tokenizer.js";
import { TouchstoneError } from "../study/errors.js";
import { loadBackend } from "../tensor/backend.js";

export interface InspectionRequest {
  sets: readonly NamedSet[];
  tokenizer: Tokenizer;
  /** Gives each sequence a perplexity, which takes a forward pass. */
  model?: Model;
  /** Bytes that it may take. */
  memory?: number;
  tasks?: readonly NamedRecords[];
}

export interface NamedRecords {
  task: string;
  index: RecordIndex;
}

/** @throws TouchstoneError as `tokenPerplexity`; InvalidData for sequences of one token */
export async function inspect(request: InspectionRequest, progress: Progress): Promise<Inspection> {
  const { sets, tokenizer, model, memory, tasks } = request;
  const perplexities =
    model === undefined
      ? undefined
      : await progress.step("perplexity", (report) => perplexitiesOf(model, sets, { memory, onProgress: report }), {
          unit: "tokens",
        });
  return progress.step(
    "inspection",
    (report) => inspectSets(sets, tokenizer, { tasks, perplexities, onProgress: report }),
    { unit: "sequences" },
  );
}

/** Texts of BOS, EOS, and the added tokens that stand in the sets. */
export function specialTokensOf(tokenizer: Tokenizer, sets: readonly NamedSet[]): string[] {
  const { bosTokenId, eosTokenId } = tokenizer;
  const ids = [
    bosTokenId,
    eosTokenId,
    ...addedTokens(
      tokenizer,
      sets.map(({ set }) => set),
    ),
  ];
  return Array.from(new Set(ids.flatMap((id) => (id === null ? [] : tokenizer.decode([id])))));
}

/** @throws TouchstoneError InvalidData where records can't be read */
export async function readRecordsOf(
  tasks: readonly Task[],
  dataFolder: string,
  limit: number | null,
): Promise<NamedRecords[]> {
  return Promise.all(
    tasks.map(async (task) => ({ task: task.name, index: indexRecords(await recordTexts(dataFolder, task, limit)) })),
  );
}

/** Of each set's sequences. */
async function perplexitiesOf(model: Model, sets: readonly NamedSet[], options: ScoreOptions): Promise<number[][]> {
  const short = sets.find(({ set }) => set.sequences[0].tokens.length < 2);
  if (short !== undefined) {
    throw new TouchstoneError("InvalidData", {
      what: "A sequence of one token has no perplexity",
      where: short.name,
      todo: "Leave the perplexity out.",
    });
  }
  await loadBackend();
  const windows = sets.flatMap(({ set }) => set.sequences.map(({ tokens }) => tokens));
  const { negativeLogLikelihoods } = await tokenPerplexity(model, windows, options);
  let at = 0;
  return sets.map(({ set }) =>
    set.sequences.map(({ tokens }) => Math.exp(negativeLogLikelihoods[at++] / (tokens.length - 1))),
  );
}

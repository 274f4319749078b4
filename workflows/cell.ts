import { ApplicationFailure, condition, isCancellation, setCurrentDetails, setHandler } from "@temporalio/workflow";
import { cellName, type Device } from "../study/names.js";
import type { EvaluationName, StudyRef } from "../study/plan.js";
import type { CellProgress } from "../study/progress.js";
import type { CellCoordinates, CellResult } from "../study/results.js";
import { cellDetails } from "./details.js";
import { asRootFailure, rootFailure } from "./failures.js";
import { cellProgressQuery, pausedSignal } from "./messages.js";
import { cellDataSteps, compressBlock, dataSteps, embeddingSteps, evaluationSteps } from "./proxies.js";

export interface CellInput {
  study: StudyRef;
  cell: CellCoordinates;
  /** Blocks to compress. */
  blocks: number;
  evaluations: readonly EvaluationName[];
  /** What the study's backend computes on. */
  device: Device;
  paused: boolean;
}

/** A store that alters object after object is not healed by more. */
const ROUNDS = 5;

/** One compressed model (or the dense one): embed, compress block by block, evaluate, put the result together. */
export async function cell(input: CellInput): Promise<CellResult> {
  const { study, cell: coordinates, evaluations, device } = input;
  const blocks = coordinates.method === null ? 0 : input.blocks;
  const progress: CellProgress = {
    cell: cellName(coordinates),
    phase: "embedding",
    block: 0,
    blocks,
    evaluated: 0,
    evaluations: evaluations.length,
    blockSeconds: null,
  };
  let paused = input.paused;
  setHandler(cellProgressQuery, () => progress);
  setHandler(pausedSignal, (value) => {
    paused = value;
  });
  const unlessPaused = () => condition(() => !paused);
  const show = (phase: CellProgress["phase"]) => {
    progress.phase = phase;
    setCurrentDetails(cellDetails(progress));
  };

  const compute = async (): Promise<CellResult> => {
    let worker: string | undefined;
    if (blocks > 0) {
      const steps = embeddingSteps(device, "embed the calibration set");
      ({ worker } = await at("embedding", steps.embedCalibration({ study, cell: coordinates })));
    }
    for (let block = 0; block < blocks; block++) {
      await unlessPaused();
      show("compressing");
      const started = Date.now();
      const summary = `${coordinates.methodLabel} block ${block + 1}/${blocks}`;
      const compressed = compressBlock({ study, cell: coordinates, block }, { worker, device, summary });
      ({ worker } = await at(`block ${block + 1} of ${blocks}`, compressed));
      Object.assign(progress, { block: block + 1, blockSeconds: (Date.now() - started) / 1000 });
    }
    await unlessPaused();
    show("evaluating");
    await allSettled(
      evaluations.map(async (evaluation) => {
        const steps = evaluationSteps(device, `evaluate ${evaluation.id}`);
        await at(`evaluation ${evaluation.id}`, steps.evaluate({ study, cell: coordinates, evaluation }));
        progress.evaluated++;
        show("evaluating");
      }),
    );
    const finish = cellDataSteps("put the result together").finishCell({ study, cell: coordinates });
    const result = await at("result", finish);
    show("done");
    return result;
  };
  const drawAgain = async () => {
    Object.assign(progress, { phase: "embedding", block: 0, evaluated: 0 });
    const { model, source } = coordinates;
    if (source !== null) await dataSteps("draw the set again").sampleSource({ study, model, source });
  };

  try {
    return await healing(compute, drawAgain);
  } catch (error) {
    throw isCancellation(error) || error instanceof ApplicationFailure ? error : asRootFailure(error);
  }
}

/** A failure says at which step of the cell it was. */
async function at<T>(step: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw isCancellation(error) ? error : asRootFailure(error, step);
  }
}

/**
 * What a step finds altered or gone is put aside; then all steps run again: each finds its result in the store, but for the one
 * whose result that was.
 */
async function healing<T>(compute: () => Promise<T>, before: () => Promise<void>): Promise<T> {
  for (let round = 1; ; round++) {
    try {
      return await compute();
    } catch (error) {
      const isHealable = !isCancellation(error) && rootFailure(error).type === "CheckpointCorrupt";
      if (!isHealable || round === ROUNDS) throw error;
      await before();
    }
  }
}

/** Waits for all, also where one fails: what the others compute is kept. */
async function allSettled(work: readonly Promise<void>[]): Promise<void> {
  const outcomes = await Promise.allSettled(work);
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

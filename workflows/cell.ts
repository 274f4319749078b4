import { condition, isCancellation, setCurrentDetails, setHandler } from "@temporalio/workflow";
import { cellName } from "../study/names.js";
import type { EvaluationName, StudyRef } from "../study/plan.js";
import type { CellProgress } from "../study/progress.js";
import type { CellCoordinates, CellResult } from "../study/results.js";
import { asRootFailure } from "./failures.js";
import { cellProgressQuery, pausedSignal } from "./messages.js";
import { computeSteps, dataSteps } from "./proxies.js";

export interface CellInput {
  study: StudyRef;
  cell: CellCoordinates;
  /** Blocks to compress. */
  blocks: number;
  evaluations: readonly EvaluationName[];
  paused: boolean;
}

/** One compressed model (or the dense one): embed, compress block by block, evaluate, put the result together. */
export async function cell(input: CellInput): Promise<CellResult> {
  const { study, cell: coordinates, evaluations } = input;
  const blocks = coordinates.method === null ? 0 : input.blocks;
  const progress: CellProgress = {
    cell: cellName(coordinates),
    phase: "embedding",
    block: 0,
    blocks,
    evaluated: 0,
    evaluations: evaluations.length,
  };
  let paused = input.paused;
  setHandler(cellProgressQuery, () => progress);
  setHandler(pausedSignal, (value) => {
    paused = value;
  });
  const unlessPaused = () => condition(() => !paused);
  const show = (phase: CellProgress["phase"]) => {
    progress.phase = phase;
    const { block, evaluated } = progress;
    setCurrentDetails(`**${phase}**: ${block} of ${blocks} blocks, ${evaluated} of ${evaluations.length} evaluations`);
  };

  try {
    if (blocks > 0) await computeSteps("embed the calibration set").embedCalibration({ study, cell: coordinates });
    for (let block = 0; block < blocks; block++) {
      await unlessPaused();
      show("compressing");
      const steps = computeSteps(`${coordinates.methodLabel} block ${block + 1}/${blocks}`);
      await steps.compressBlock({ study, cell: coordinates, block });
      progress.block = block + 1;
    }
    await unlessPaused();
    show("evaluating");
    await Promise.all(
      evaluations.map(async (evaluation) => {
        await computeSteps(`evaluate ${evaluation.id}`).evaluate({ study, cell: coordinates, evaluation });
        progress.evaluated++;
        show("evaluating");
      }),
    );
    const result = await dataSteps("put the result together").finishCell({ study, cell: coordinates });
    show("done");
    return result;
  } catch (error) {
    throw isCancellation(error) ? error : asRootFailure(error);
  }
}

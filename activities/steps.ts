import { recordFailure } from "./cell-records.js";
import { finishCell } from "./cell-result.js";
import { compressBlock } from "./compress-block.js";
import { embedCalibration } from "./embed-calibration.js";
import { evaluate } from "./evaluate.js";
import { planSearch } from "./plan-search.js";
import { planStudy } from "./plan-study.js";
import { planSweep } from "./plan-sweep.js";
import { reportingAfter } from "./report-meanwhile.js";
import { reportStudy } from "./report-study.js";
import { sampleSource } from "./sample-source.js";
import { openSearchRound, rankSearchRound } from "./search-round.js";
import { skipCell, unskipCells } from "./skip-cell.js";
import type { StepContext } from "./step.js";

/** Everything that activities do, by the activity's name. */
export const steps = {
  planStudy,
  sampleSource,
  planSweep,
  embedCalibration,
  compressBlock,
  evaluate,
  finishCell: reportingAfter(finishCell),
  recordFailure: reportingAfter(recordFailure),
  skipCell,
  unskipCells,
  reportStudy,
  planSearch,
  openSearchRound,
  rankSearchRound,
} as const satisfies Record<string, (input: never, context: StepContext) => Promise<unknown>>;

export type StepName = keyof typeof steps;

/** Steps whose worker has in memory, at their end, what the cell's next block begins with. */
type PlacedStep = "embedCalibration" | "compressBlock";

/** Where a step was computed: a task queue of that worker alone. */
export interface Placed {
  worker?: string;
}

type ResultOf<Name extends StepName> = Awaited<ReturnType<(typeof steps)[Name]>>;

/** The activities as workflows call them. */
export type Activities = {
  [Name in StepName]: (
    input: Parameters<(typeof steps)[Name]>[0],
  ) => Promise<Name extends PlacedStep ? ResultOf<Name> & Placed : ResultOf<Name>>;
};

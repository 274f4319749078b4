import { measuresOf, readerOf } from "../report/measures.js";
import { survivorsOf } from "../statistics/halving.js";
import { openStore } from "../storage/store.js";
import { expandCells, pilotOf } from "../study/cells.js";
import { grouped } from "../study/grouped.js";
import { cellName } from "../study/names.js";
import type { CellCoordinates } from "../study/results.js";
import type { Ranking, SearchRound } from "../study/search.js";
import type { StudySpec } from "../study/spec.js";
import { readRecord, recordedCells, removeRecord, writeRecord } from "./cell-records.js";
import { readCells } from "./report-study.js";
import type { StepContext } from "./step.js";
import { studyPlans } from "./stored-studies.js";

/** What the reasons begin with for which sets are left out; people's own reasons stay. */
const DROPPED = "dropped out of the search";
const NO_PILOT = "the pilot alone is evaluated before the search's first round";

export interface OpenRequest {
  /** The round before, which has ended; none: the next is the pilot's. */
  before?: SearchRound;
  next: SearchRound;
}

/**
 * Lets the best sets of a round into the next, and the pilot, which is scored already; after the pilot's round, all. The others are
 * recorded as skipped there, before its study looks for its cells.
 */
export async function openSearchRound({ before, next }: OpenRequest, context: StepContext): Promise<void> {
  if (before?.pilot) return;
  const rankings = before === undefined ? [] : await rankSearchRound(before, context);
  const best = rankings.flatMap((ranking) => ranking.best.slice(0, next.candidates)).map(({ cell }) => cell);
  const kept = new Set(
    [...next.study.models.flatMap(({ id }) => pilotOf(next.study, id) ?? []), ...best].map(cellName),
  );
  const { name } = next.study;
  const reason = before === undefined ? NO_PILOT : `${DROPPED} after ${before.study.name}`;
  const store = openStore(locationOf(next.study));
  const recorded = new Set(await recordedCells(store, "skipped", name));
  for (const cell of candidatesOf(next.study)) {
    context.signal.throwIfAborted();
    const isRecorded = recorded.has(cellName(cell));
    // What was dropped before may be back; what a person has skipped stays so.
    if (isRecorded && kept.has(cellName(cell))) {
      const record = await readRecord(store, "skipped", name, cellName(cell));
      if (record?.reason.startsWith(DROPPED)) await removeRecord(store, "skipped", name, cell);
    } else if (!isRecorded && !kept.has(cellName(cell))) {
      await writeRecord(store, "skipped", name, { ...cell, reason });
    }
  }
}

/** The sets of each model and method that are not skipped in a round, by what they reached in it. */
export async function rankSearchRound({ study: spec }: SearchRound, context: StepContext): Promise<Ranking[]> {
  const [study] = await studyPlans(spec.name, locationOf(spec));
  const plan = await context.state.plan(study);
  const { cells, skipped } = await readCells(plan, study, context);
  const measures = measuresOf({ cells });
  const [mean] = measures;
  const read = readerOf({ tableMetric: spec.evaluation.tableMetric }, measures, mean);
  const out = new Set(skipped.map(cellName));
  const byName = new Map(cells.map((cell) => [cellName(cell), cell]));
  const candidates = candidatesOf(spec).filter((cell) => !out.has(cellName(cell)));
  const groups = grouped(candidates, ({ model, methodLabel }) => JSON.stringify([model, methodLabel]));
  return groups.map(([, group]) => {
    const accuracies = group.map((cell) => {
      const result = byName.get(cellName(cell));
      return (result && read(result)) ?? Number.NaN;
    });
    const best = survivorsOf(accuracies, group.length).map((i) => {
      return { cell: group[i], accuracy: Number.isNaN(accuracies[i]) ? null : accuracies[i] };
    });
    return { model: group[0].model, methodLabel: group[0].methodLabel, best };
  });
}

function candidatesOf(spec: StudySpec): CellCoordinates[] {
  return spec.models.flatMap(({ id }) => expandCells(spec, id)).filter(({ method }) => method !== null);
}

function locationOf({ checkpoints: { bucket = "", prefix } }: StudySpec) {
  return { bucket, prefix };
}

import { buildReport } from "../report/build.js";
import { layerErrorCollector } from "../report/layer-errors.js";
import { isNotNeeded, sourcesKnowledge } from "../report/stopping.js";
import type { StudyOutcomes } from "../statistics/outcomes.js";
import type { ObjectStore } from "../storage/store.js";
import { expandCells } from "../study/cells.js";
import { knownModelSize } from "../study/known-sizes.js";
import { dataFreeMethods } from "../study/methods.js";
import { cellName } from "../study/names.js";
import type { StudyPlan, StudyRef } from "../study/plan.js";
import type { CellCoordinates, CellResult, FailedCell, SkippedCell, StudyResults } from "../study/results.js";
import type { StudySpec } from "../study/spec.js";
import { readRecord } from "./cell-records.js";
import { findCells } from "./cell-result.js";
import { findContamination } from "./contamination.js";
import { findInspection } from "./inspection.js";
import { readOutcomes } from "./read-outcomes.js";
import type { StepContext } from "./step.js";

export interface ReportedStudy {
  /** Address of the HTML page in the store; `.csv` and `.json` stand beside it. */
  report: string;
  cells: number;
  failed: number;
  skipped: number;
  /** Cells that were not computed since their source's mean was known; in studies with `stopping`. */
  notNeeded?: number;
  /** The headline table, for a terminal. */
  summary: string;
}

export interface ReportRequest {
  study: StudyRef;
  /** Models whose sweep was cancelled. */
  cancelled?: readonly string[];
}

/** Makes the report of whatever the study has by now, and puts it in the store. */
export async function reportStudy(request: ReportRequest, context: StepContext): Promise<ReportedStudy> {
  const results = await studyResults(request, context);
  const plan = await context.state.plan(request.study);
  return writeReport(request.study, results, await readOutcomes(plan, request.study, results.cells, context), context);
}

/** The same of a study that runs, without what takes long and is done at the end. */
export async function reportMeanwhile(request: ReportRequest, context: StepContext): Promise<void> {
  const results = { ...(await knownResults(request, context)), contamination: [], contaminationUnknown: true };
  await writeReport(request.study, results, NOT_YET_READ, context);
}

const NOT_YET_READ: StudyOutcomes = { tasks: [], cells: new Map(), missing: "That is done when the study has ended." };

async function writeReport(
  study: StudyRef,
  results: StudyResults,
  outcomes: StudyOutcomes,
  context: StepContext,
): Promise<ReportedStudy> {
  const { html, csv, json, summary } = buildReport(results, outcomes);
  const store = context.state.store(study);
  // Given up meanwhile: another attempt may have written a later one.
  context.signal.throwIfAborted();
  const files = [
    ["html", html, "text/html; charset=utf-8"],
    ["csv", csv, "text/csv; charset=utf-8"],
    ["json", json, "application/json"],
  ] as const;
  for (const [extension, text, type] of files) {
    await store.replace(reportKey(study.name, extension), new TextEncoder().encode(text), type);
  }
  const spared = results.stopping?.reduce((sum, source) => sum + source.notNeeded, 0);
  return {
    ...{ report: addressOf(store, reportKey(study.name, "html")), ...counts(results), summary },
    ...(spared === undefined ? {} : { notNeeded: spared }),
  };
}

function counts({ cells, failed, skipped }: Pick<StudyResults, "cells" | "failed" | "skipped">) {
  return { cells: cells.length, failed: failed.length, skipped: skipped.length };
}

/** Plans of earlier versions don't say it: then by the name. */
function parametersOf({ models }: StudyPlan, id: string, path: string): number | null {
  return models[id].parameters ?? (knownModelSize(id) ?? knownModelSize(path))?.parameters ?? null;
}

/** Everything that a study's report is made of, as far as it is there by now. */
export async function studyResults(request: ReportRequest, context: StepContext): Promise<StudyResults> {
  const { study } = request;
  const plan = await context.state.plan(study);
  return {
    ...(await knownResults(request, context)),
    contamination: await findContamination(plan, study, context),
    inspection: await findInspection(plan, study, context),
  };
}

/** What cells have stored, and what of them is missing. */
async function knownResults(
  { study, cancelled = [] }: ReportRequest,
  context: StepContext,
): Promise<Omit<StudyResults, "contamination" | "inspection">> {
  const plan = await context.state.plan(study);
  return {
    name: study.name,
    spec: plan.spec,
    tableMetric: plan.spec.evaluation.tableMetric,
    models: plan.spec.models.map(({ id, path, base = null }) => ({
      id,
      parameters: parametersOf(plan, id, path),
      base,
    })),
    ...withoutNotNeeded(plan.spec, await readCells(plan, study, context)),
    cancelled,
    dataFreeMethods,
    environment: Object.fromEntries(Object.entries(plan.environment).map(([key, value]) => [key, String(value)])),
  };
}

type Collected = Pick<StudyResults, "cells" | "failed" | "skipped" | "pending">;

/** A cell that failed, or was skipped, or is still to come, and then is not needed is none of these. */
function withoutNotNeeded<Found extends Collected>(
  spec: StudySpec,
  found: Found,
): Found & Pick<StudyResults, "stopping"> {
  if (spec.stopping === undefined) return found;
  const knowledge = sourcesKnowledge(spec, found);
  const isLeft = (cell: CellCoordinates) => !isNotNeeded(knowledge, cell);
  const needed = {
    ...found,
    failed: found.failed.filter(isLeft),
    skipped: found.skipped.filter(isLeft),
    pending: found.pending?.filter(isLeft),
  };
  return { ...needed, stopping: sourcesKnowledge(spec, needed) };
}

export function reportKey(study: string, extension: "html" | "csv" | "json"): string {
  return `v1/study/${study}/report.${extension}`;
}

function addressOf({ location: { bucket, prefix } }: ObjectStore, key: string): string {
  return [`s3://${bucket}`, ...(prefix === "" ? [] : [prefix]), key].join("/");
}

/** Requests to the store. */
const AT_A_TIME = 32;

/** What is in the store of each of the cells. */
export async function readCells(plan: StudyPlan, study: StudyRef, context: StepContext) {
  const checkpoints = context.state.checkpoints(study);
  const store = context.state.store(study);
  const cells: CellResult[] = [];
  const failed: FailedCell[] = [];
  const skipped: SkippedCell[] = [];
  const layers = layerErrorCollector();
  const pending: CellCoordinates[] = [];
  for (const { id } of plan.spec.models) {
    const all = expandCells(plan.spec, id);
    for (let i = 0; i < all.length; i += AT_A_TIME) {
      const some = all.slice(i, i + AT_A_TIME);
      const found = await findCells(plan, checkpoints, some);
      cells.push(
        ...found
          .filter((cell) => cell !== undefined)
          .map((cell) => ({ ...layers.take(cell), stored: addressOf(store, cell.stored) })),
      );
      const others = some.filter((_, j) => found[j] === undefined);
      const left = await Promise.all(others.map((cell) => readLeft(store, study, cell)));
      failed.push(...left.flatMap(({ failure }) => failure ?? []));
      skipped.push(...left.flatMap(({ skip }) => skip ?? []));
      pending.push(...others.filter((_, j) => left[j].skip === undefined && left[j].failure === undefined));
      context.report({ stage: `collecting ${id}`, done: i + some.length, total: all.length });
    }
  }
  return { cells, failed, skipped, pending, layers: layers.summaries() };
}

/** Why a cell is not there: it is to be left out, or else has failed, as far as that is known. */
async function readLeft(
  store: ObjectStore,
  { name }: StudyRef,
  cell: CellCoordinates,
): Promise<{ skip?: SkippedCell; failure?: FailedCell }> {
  const skip = await readRecord(store, "skipped", name, cellName(cell));
  if (skip !== undefined) return { skip: { ...cell, ...skip } };
  const failure = await readRecord(store, "failures", name, cellName(cell));
  return failure === undefined ? {} : { failure: { ...cell, ...failure } };
}

import { buildReport } from "../report/build.js";
import type { ObjectStore } from "../storage/store.js";
import { expandCells } from "../study/cells.js";
import { dataFreeMethods } from "../study/methods.js";
import { cellName } from "../study/names.js";
import type { StudyPlan, StudyRef } from "../study/plan.js";
import type { CellCoordinates, CellResult, FailedCell, SkippedCell, StudyResults } from "../study/results.js";
import { readRecord } from "./cell-records.js";
import { findCells } from "./cell-result.js";
import { findContamination } from "./contamination.js";
import type { StepContext } from "./step.js";

export interface ReportedStudy {
  /** Address of the HTML page in the store; `.csv` and `.json` stand beside it. */
  report: string;
  cells: number;
  failed: number;
  skipped: number;
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
  const plan = await context.state.plan(request.study);
  return writeReport(plan, request, context, { contamination: await findContamination(plan, request.study, context) });
}

/** The same of a study that runs, without looking for evaluation records in its sets, which takes long and is done at the end. */
export async function reportMeanwhile(request: ReportRequest, context: StepContext): Promise<void> {
  const plan = await context.state.plan(request.study);
  await writeReport(plan, request, context, { contamination: [], contaminationUnknown: true });
}

async function writeReport(
  plan: StudyPlan,
  { study, cancelled = [] }: ReportRequest,
  context: StepContext,
  contamination: Pick<StudyResults, "contamination" | "contaminationUnknown">,
): Promise<ReportedStudy> {
  const { cells, failed, skipped, pending } = await readCells(plan, study, context);
  const results: StudyResults = {
    name: study.name,
    spec: plan.spec,
    tableMetric: plan.spec.evaluation.tableMetric,
    cells,
    failed,
    skipped,
    pending,
    cancelled,
    dataFreeMethods,
    ...contamination,
    environment: Object.fromEntries(Object.entries(plan.environment).map(([key, value]) => [key, String(value)])),
  };
  const { html, csv, json, summary } = buildReport(results);
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
  const report = addressOf(store, reportKey(study.name, "html"));
  return { report, cells: cells.length, failed: failed.length, skipped: skipped.length, summary };
}

export function reportKey(study: string, extension: "html" | "csv" | "json"): string {
  return `v1/study/${study}/report.${extension}`;
}

function addressOf({ location: { bucket, prefix } }: ObjectStore, key: string): string {
  return [`s3://${bucket}`, ...(prefix === "" ? [] : [prefix]), key].join("/");
}

/** Requests to the store. */
const AT_A_TIME = 32;

async function readCells(plan: StudyPlan, study: StudyRef, context: StepContext) {
  const checkpoints = context.state.checkpoints(study);
  const store = context.state.store(study);
  const cells: CellResult[] = [];
  const failed: FailedCell[] = [];
  const skipped: SkippedCell[] = [];
  const pending: CellCoordinates[] = [];
  for (const { id } of plan.spec.models) {
    const all = expandCells(plan.spec, id);
    for (let i = 0; i < all.length; i += AT_A_TIME) {
      const some = all.slice(i, i + AT_A_TIME);
      const found = await findCells(plan, checkpoints, some);
      cells.push(
        ...found
          .flatMap((cell) => cell && { ...cell, stored: addressOf(store, cell.stored) })
          .filter((cell) => cell !== undefined),
      );
      const others = some.filter((_, j) => found[j] === undefined);
      const left = await Promise.all(others.map((cell) => readLeft(store, study, cell)));
      failed.push(...left.flatMap(({ failure }) => failure ?? []));
      skipped.push(...left.flatMap(({ skip }) => skip ?? []));
      pending.push(...others.filter((_, j) => left[j].skip === undefined && left[j].failure === undefined));
      context.report({ stage: `collecting ${id}`, done: i + some.length, total: all.length });
    }
  }
  return { cells, failed, skipped, pending };
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

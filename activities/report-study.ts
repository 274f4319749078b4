import { buildReport } from "../report/build.js";
import { isNotNeeded, sourcesKnowledge } from "../report/stopping.js";
import type { ObjectStore } from "../storage/store.js";
import { expandCells } from "../study/cells.js";
import { dataFreeMethods } from "../study/methods.js";
import { cellName } from "../study/names.js";
import type { StudyPlan, StudyRef } from "../study/plan.js";
import type { CellCoordinates, CellResult, FailedCell, SkippedCell, StudyResults } from "../study/results.js";
import type { StudySpec } from "../study/spec.js";
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
  /** Cells that were not computed since their source's mean was known; in studies with `stopping`. */
  notNeeded?: number;
  /** The headline table, for a terminal. */
  summary: string;
}

/**
 * Makes the report of whatever the study has by now, and puts it in the store.
 * @param cancelled models whose sweep was cancelled
 */
export async function reportStudy(
  { study, cancelled = [] }: { study: StudyRef; cancelled?: readonly string[] },
  context: StepContext,
): Promise<ReportedStudy> {
  const plan = await context.state.plan(study);
  const found = await readCells(plan, study, context);
  const { cells, failed, skipped, stopping } = withoutNotNeeded(plan.spec, found);
  const results: StudyResults = {
    name: study.name,
    spec: plan.spec,
    tableMetric: plan.spec.evaluation.tableMetric,
    cells,
    failed,
    skipped,
    ...(stopping === undefined ? {} : { stopping }),
    cancelled,
    dataFreeMethods,
    contamination: await findContamination(plan, study, context),
    environment: Object.fromEntries(Object.entries(plan.environment).map(([key, value]) => [key, String(value)])),
  };
  const { html, csv, json, summary } = buildReport(results);
  const store = context.state.store(study);
  const files = [
    ["html", html, "text/html; charset=utf-8"],
    ["csv", csv, "text/csv; charset=utf-8"],
    ["json", json, "application/json"],
  ] as const;
  for (const [extension, text, type] of files) {
    await store.replace(reportKey(study.name, extension), new TextEncoder().encode(text), type);
  }
  const { bucket, prefix } = store.location;
  const address = [`s3://${bucket}`, ...(prefix === "" ? [] : [prefix]), reportKey(study.name, "html")].join("/");
  const spared = stopping?.reduce((sum, source) => sum + source.notNeeded, 0);
  return {
    ...{ report: address, cells: cells.length, failed: failed.length, skipped: skipped.length, summary },
    ...(spared === undefined ? {} : { notNeeded: spared }),
  };
}

type Collected = Pick<StudyResults, "cells" | "failed" | "skipped">;

/** A cell that failed, or was skipped, and then was not needed is neither. */
function withoutNotNeeded(spec: StudySpec, collected: Collected): Collected & Pick<StudyResults, "stopping"> {
  if (spec.stopping === undefined) return collected;
  const knowledge = sourcesKnowledge(spec, collected);
  const isLeft = (cell: CellCoordinates) => !isNotNeeded(knowledge, cell);
  const needed = { failed: collected.failed.filter(isLeft), skipped: collected.skipped.filter(isLeft) };
  const left = { cells: collected.cells, ...needed };
  return { ...left, stopping: sourcesKnowledge(spec, left) };
}

export function reportKey(study: string, extension: "html" | "csv" | "json"): string {
  return `v1/study/${study}/report.${extension}`;
}

/** Requests to the store. */
const AT_A_TIME = 32;

async function readCells(plan: StudyPlan, study: StudyRef, context: StepContext) {
  const checkpoints = context.state.checkpoints(study);
  const store = context.state.store(study);
  const cells: CellResult[] = [];
  const failed: FailedCell[] = [];
  const skipped: SkippedCell[] = [];
  for (const { id } of plan.spec.models) {
    const all = expandCells(plan.spec, id);
    for (let i = 0; i < all.length; i += AT_A_TIME) {
      const some = all.slice(i, i + AT_A_TIME);
      const found = await findCells(plan, checkpoints, some);
      cells.push(...found.filter((cell) => cell !== undefined));
      const others = some.filter((_, j) => found[j] === undefined);
      const left = await Promise.all(others.map((cell) => readLeft(store, study, cell)));
      failed.push(...left.flatMap(({ failure }) => failure ?? []));
      skipped.push(...left.flatMap(({ skip }) => skip ?? []));
      context.report({ stage: `collecting ${id}`, done: i + some.length, total: all.length });
    }
  }
  return { cells, failed, skipped };
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

import { TouchstoneError } from "./errors.js";
import type { CellCoordinates } from "./results.js";

/** What a study, or one model's sweep, is told while it runs. */
export type Order = { kind: "pause" } | { kind: "resume" } | SkippedOrder | { kind: "setConcurrency"; cells: number };

/** A cell that the store has as skipped by now. */
export interface SkippedOrder {
  kind: "skipCell";
  cell: CellCoordinates;
  /** Of `expandCells`. */
  index: number;
  /** It was recorded as failed, and not as skipped before. */
  failed: boolean;
  /** All cells of the model that are to be left out. */
  skipped: number;
}

export type Control = Order | { kind: "retryFailed" };

export interface SkipRequest {
  /** As in reports and workflow ids: MODEL/METHOD/SOURCE-nSIZE-setSET. */
  cell: string;
  reason: string;
}

export interface ConcurrencyRequest {
  /** Cells that run at a time. */
  cells: number;
}

export const MOST_CELLS_AT_A_TIME = 200;
const MOST_CHARACTERS = 500;

/** @throws TouchstoneError InvalidSettings where a person's request isn't of this form, or of none of the models */
export function requireSkip(request: Partial<SkipRequest> | undefined, models: readonly string[]): void {
  const { cell, reason } = request ?? {};
  const isOurs = typeof cell === "string" && models.some((model) => cell.startsWith(`${model}/`));
  if (!isOurs) {
    throw invalid("skipCell", `cell ${JSON.stringify(cell)} is none of ${models.join(", ")}`, SKIP_EXAMPLE);
  }
  if (typeof reason !== "string" || reason.trim() === "" || reason.length > MOST_CHARACTERS) {
    throw invalid("skipCell", `The reason must be a text of 1 to ${MOST_CHARACTERS} characters`, SKIP_EXAMPLE);
  }
}

/** @throws TouchstoneError InvalidSettings */
export function requireConcurrency(request: Partial<ConcurrencyRequest> | undefined): void {
  const { cells } = request ?? {};
  if (Number.isInteger(cells) && Number(cells) >= 1 && Number(cells) <= MOST_CELLS_AT_A_TIME) return;
  const range = `must be a whole number from 1 to ${MOST_CELLS_AT_A_TIME}`;
  throw invalid("setConcurrency", `cells is ${JSON.stringify(cells)}, but ${range}`, 'For example {"cells": 4}.');
}

const SKIP_EXAMPLE = 'For example {"cell": "MODEL/gptq/c4-n128-set3", "reason": "too slow"}.';

function invalid(where: string, what: string, todo: string): TouchstoneError {
  return new TouchstoneError("InvalidSettings", { what, where, todo });
}

import type { Model } from "../models/model.js";
import type { Machine } from "./machine.js";

/** What the parts of the benchmark have in common. */
export interface BenchContext {
  /** The quickstart's model. */
  model: Model;
  /** Calibration tokens of that model, 16 sequences of 256. */
  calibration: readonly Int32Array[];
  /** What the hardware gives, measured in the same run. */
  machine: Machine;
}

/** Rows of figures for people: every column but the first is to the right. */
export interface BenchTable {
  head: readonly string[];
  rows: readonly (readonly string[])[];
  notes?: readonly string[];
}

/** One part of the benchmark: measures into plain JSON, and shows that as a table. */
export interface BenchPart<Result> {
  title: string;
  /** On two idle cores. */
  usualSeconds: number;
  measure(context: BenchContext): Promise<Result>;
  show(result: Result): BenchTable;
}

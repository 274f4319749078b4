import type { Model } from "../models/model.js";
import type { Machine } from "./machine.js";
import type { BenchTable } from "./table.js";

/** What the parts of the benchmark have in common. */
export interface BenchContext {
  /** The quickstart's model. */
  model: Model;
  /** Calibration tokens of that model, 16 sequences of 256. */
  calibration: readonly Int32Array[];
  /** What the hardware gives, measured in the same run. */
  machine: Machine;
}

/** One part of the benchmark: measures into plain JSON, and shows that as a table. */
export interface BenchPart<Result> {
  title: string;
  /** On two idle cores. */
  usualSeconds: number;
  measure(context: BenchContext): Promise<Result>;
  show(result: Result): BenchTable;
}

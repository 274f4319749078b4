import type { InspectionFigures, SourceInspection } from "../../study/inspection.js";
import type { RecordMatch } from "../contamination.js";
import type { CalibrationSequence, CalibrationSet } from "../set.js";
import type { Flag } from "./flags.js";
import type { LengthFigures } from "./length.js";
import type { MarkupFigures } from "./markup.js";
import type { Outlier } from "./outliers.js";

/** A set, and what it is called. */
export interface NamedSet {
  source: string;
  /** Unique. */
  name: string;
  set: CalibrationSet;
}

/** Another sequence that one nearly equals: of which set (its index), and which there. */
export interface Duplicate {
  /** Of the same set, of another set of the source, of another source. */
  kind: "inside" | "across" | "foreign";
  set: number;
  sequence: number;
  resemblance: number;
}

export interface FoundRecord extends RecordMatch {
  task: string;
}

export interface SequenceFindings extends Pick<CalibrationSequence, "documents" | "offset"> {
  text: string;
  language: string;
  markup: MarkupFigures;
  duplicates: readonly Duplicate[];
  /** Share of its tokens in runs that stand in several documents, and these runs. */
  repeated: number;
  runs: readonly string[];
  /** null: no evaluation records were looked for. */
  records: readonly FoundRecord[] | null;
  /** Under the dense model; null: not computed. */
  perplexity: number | null;
  outlier: Outlier;
  flags: readonly Flag[];
}

/** What only a command looks for. */
export interface FurtherFigures {
  /** Distinct evaluation records that stand in it; null: none were looked for. */
  records: number | null;
  /** Median over sequences, and sequences that stand out; null: not computed. */
  perplexity: { median: number | null; high: number; low: number } | null;
}

export interface SetFindings extends InspectionFigures, FurtherFigures {
  source: string;
  name: string;
  length: LengthFigures;
  found: readonly SequenceFindings[];
}

export interface SourceFindings extends SourceInspection, FurtherFigures {}

export interface Inspection {
  sets: readonly SetFindings[];
  sources: readonly SourceFindings[];
}

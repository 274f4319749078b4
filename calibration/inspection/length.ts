import { median } from "simple-statistics";
import { type CalibrationSet, type Provenance, sequenceLength } from "../set.js";

/** How much text a set has, and how it was cut. */
export interface LengthFigures {
  sequences: number;
  tokens: number;
  /** Distinct documents; null where nothing is known of them. */
  documents: number | null;
  /** Sequences that hold more than one document. */
  joined: number;
  /** Sequences that begin inside a document, and the tokens of it that are cut off before them (median; null: there are none). */
  begunInside: number;
  cutBefore: number | null;
  /** Documents that were looked at for it. What is cut off after a window isn't recorded. */
  drawnFrom: Provenance["documents"] | null;
}

export function lengthFigures(set: CalibrationSet): LengthFigures {
  const { sequences, provenance } = set;
  const begun = sequences.filter(({ offset }) => offset > 0);
  return {
    sequences: sequences.length,
    tokens: sequences.length * sequenceLength(set),
    documents: provenance === null ? null : new Set(sequences.flatMap(({ documents }) => documents)).size,
    joined: sequences.filter(({ documents }) => documents.length > 1).length,
    begunInside: begun.length,
    cutBefore: begun.length === 0 ? null : median(begun.map(({ offset }) => offset)),
    drawnFrom: provenance?.documents ?? null,
  };
}

/** What calibration sets hold: one set, or all of a source. Plain JSON. */
export interface InspectionFigures {
  sets: number;
  sequences: number;
  tokens: number;
  /** Distinct documents; null where nothing is known of them. */
  documents: number | null;
  /** Sequences by their language (ISO 639-1, or `und` where it can't be told), the most frequent first. */
  languages: readonly { language: string; sequences: number }[];
  /** Sequences that nearly equal another one: of their own set, of another set of the source, of another source. */
  duplicates: { inside: number; across: number; foreign: number };
  /** Share of the tokenizer's vocabulary that is used. */
  vocabulary: number;
  /** Share of the tokens in runs that stand in several documents. */
  repeated: number;
  /** Sequences with links or tags. */
  markup: number;
}

export interface SourceInspection extends InspectionFigures {
  source: string;
  /** Mean distance of the token frequencies of two of its sets; null: there is one set. */
  apart: number | null;
  /** Distance of its token frequencies to those of each source, in the order of the sources. */
  distances: readonly number[];
}

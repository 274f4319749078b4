import { median, sum } from "simple-statistics";
import type { InspectionFigures } from "../../study/inspection.js";
import { sequenceLength } from "../set.js";
import type { Duplicate, FurtherFigures, NamedSet, SequenceFindings } from "./findings.js";
import { countLanguages } from "./language.js";
import { type TokenCounts, vocabularyShare } from "./vocabulary.js";

type Found = Omit<SequenceFindings, "flags">;

/** The figures of one set, or of all of a source. @param counts of all their tokens */
export function figuresOf(
  sets: readonly (NamedSet & { found: readonly Found[] })[],
  counts: TokenCounts,
  vocabSize: number,
): InspectionFigures & FurtherFigures {
  const found = sets.flatMap((set) => set.found);
  const tokens = sum(sets.map(({ set }) => set.sequences.length * sequenceLength(set)));
  const repeatedTokens = sum(
    sets.map((one) => sum(one.found.map(({ repeated }) => repeated)) * sequenceLength(one.set)),
  );
  const known = sets.every(({ set }) => set.provenance !== null);
  return {
    sets: sets.length,
    sequences: found.length,
    tokens,
    documents: known ? new Set(found.flatMap(({ documents }) => documents)).size : null,
    languages: countLanguages(found.map(({ language }) => language)),
    duplicates: {
      inside: countDuplicates(found, "inside"),
      across: countDuplicates(found, "across"),
      foreign: countDuplicates(found, "foreign"),
    },
    vocabulary: vocabularyShare(counts, vocabSize),
    repeated: repeatedTokens / tokens,
    markup: found.filter(({ markup }) => markup.links + markup.tags > 0).length,
    records: countRecords(found),
    perplexity: perplexityFigures(found),
  };
}

function countDuplicates(found: readonly Found[], kind: Duplicate["kind"]): number {
  return found.filter(({ duplicates }) => duplicates.some((other) => other.kind === kind)).length;
}

function countRecords(found: readonly Found[]): number | null {
  if (found.some(({ records }) => records === null)) return null;
  return new Set(found.flatMap(({ records }) => (records ?? []).map(({ task, record }) => `${task} ${record}`))).size;
}

function perplexityFigures(found: readonly Found[]): FurtherFigures["perplexity"] {
  const values = found.flatMap(({ perplexity }) => perplexity ?? []);
  if (values.length < found.length) return null;
  const finite = values.filter(Number.isFinite);
  const standOut = (side: "high" | "low") => found.filter(({ outlier }) => outlier === side).length;
  return { median: finite.length === 0 ? null : median(finite), high: standOut("high"), low: standOut("low") };
}

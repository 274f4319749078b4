import { setImmediate } from "node:timers/promises";
import { mean } from "simple-statistics";
import type { Tokenizer } from "../../models/tokenizer.js";
import { findRecords, type RecordIndex } from "../contamination.js";
import { repeatedSpans, type Span, spanLength } from "./boilerplate.js";
import { figuresOf } from "./figures.js";
import type { Duplicate, Inspection, NamedSet, SequenceFindings, SetFindings, SourceFindings } from "./findings.js";
import { countLanguages, languageOf, mainLanguage } from "./language.js";
import { lengthFigures } from "./length.js";
import { markupFigures } from "./markup.js";
import { nearDuplicates } from "./near-duplicates.js";
import { outliers } from "./outliers.js";
import { flagsOf } from "./raise-flags.js";
import { countTokens, type TokenCounts, tokenDistance } from "./vocabulary.js";

export interface InspectionOptions {
  /** Evaluation records to look for, by task; none are looked for where it isn't there. */
  tasks?: readonly { task: string; index: RecordIndex }[];
  /** Of each set's sequences, under the dense model. */
  perplexities?: readonly (readonly number[])[];
  /** Sequences that were read, of how many. */
  onProgress?: (done: number, total: number) => void;
}

/** A set with what was found of its sequences so far. */
interface OpenSet extends NamedSet {
  counts: TokenCounts;
  found: Omit<SequenceFindings, "flags">[];
}

/**
 * What stands in calibration sets. The same sets give the same findings; those of a set depend on the others only in duplicates,
 * repeated runs and outliers.
 * @param sets of one tokenizer, at least one
 */
export async function inspectSets(
  sets: readonly NamedSet[],
  tokenizer: Tokenizer,
  options: InspectionOptions = {},
): Promise<Inspection> {
  const duplicates = duplicatesOf(sets);
  const spans = spansOf(sets);
  const report = options.onProgress ?? (() => {});
  const total = sets.reduce((sum, { set }) => sum + set.sequences.length, 0);
  const open: OpenSet[] = [];
  let done = 0;
  for (const [i, named] of sets.entries()) {
    const { sequences } = named.set;
    const found = sequences.map((sequence, j) =>
      readSequence(sequence, tokenizer, {
        ...{ duplicates: duplicates[i][j], spans: spans[i][j] },
        ...{ tasks: options.tasks, perplexity: options.perplexities?.[i][j] },
      }),
    );
    open.push({ ...named, found, counts: countTokens(sequences.map(({ tokens }) => tokens)) });
    done += sequences.length;
    report(done, total);
    await setImmediate();
  }
  const names = Array.from(new Set(sets.map(({ source }) => source)));
  const bySource = names.map((name) => open.filter(({ source }) => source === name));
  for (const own of bySource) judgePerplexities(own);
  const totals = bySource.map((own) =>
    countTokens(own.flatMap(({ set }) => set.sequences.map(({ tokens }) => tokens))),
  );
  const languages = new Map(bySource.map((own) => [own[0].source, mainOf(own)]));
  return {
    sets: open.map((own): SetFindings => {
      const found = own.found.map((each) => ({ ...each, flags: flagsOf(each, languages.get(own.source)) }));
      const figures = figuresOf([own], own.counts, tokenizer.vocabSize);
      return { source: own.source, name: own.name, ...figures, length: lengthFigures(own.set), found };
    }),
    sources: bySource.map(
      (own, i): SourceFindings => ({
        source: own[0].source,
        ...figuresOf(own, totals[i], tokenizer.vocabSize),
        apart: meanDistance(own.map(({ counts }) => counts)),
        distances: totals.map((other) => tokenDistance(totals[i], other)),
      }),
    ),
  };
}

function readSequence(
  { tokens, documents, offset }: NamedSet["set"]["sequences"][number],
  tokenizer: Tokenizer,
  known: {
    duplicates: readonly Duplicate[];
    spans: readonly Span[];
    tasks: InspectionOptions["tasks"];
    perplexity: number | undefined;
  },
): Omit<SequenceFindings, "flags"> {
  const { duplicates, spans, tasks, perplexity } = known;
  const text = tokenizer.decode(tokens);
  return {
    ...{ text, documents, offset, duplicates },
    language: languageOf(text),
    markup: markupFigures(text),
    repeated: spanLength(spans) / tokens.length,
    runs: spans.map(({ start, end }) => tokenizer.decode(tokens.subarray(start, end))),
    records: tasks?.flatMap(({ task, index }) => findRecords(index, text).map((found) => ({ task, ...found }))) ?? null,
    perplexity: perplexity ?? null,
    outlier: null,
  };
}

/** By set and sequence: each of a pair has the other one. */
function duplicatesOf(sets: readonly NamedSet[]): Duplicate[][][] {
  const places = sets.flatMap(({ set }, i) => set.sequences.map((_, sequence) => ({ set: i, sequence })));
  const found = sets.map(({ set }) => set.sequences.map((): Duplicate[] => []));
  const pairs = nearDuplicates(
    places.map(({ set, sequence }) => ({ set, tokens: sets[set].set.sequences[sequence].tokens })),
  );
  for (const { first, second, resemblance } of pairs) {
    const [a, b] = [places[first], places[second]];
    const kind = a.set === b.set ? "inside" : sets[a.set].source === sets[b.set].source ? "across" : "foreign";
    found[a.set][a.sequence].push({ kind, ...b, resemblance });
    found[b.set][b.sequence].push({ kind, ...a, resemblance });
  }
  return found;
}

/** By set and sequence. */
function spansOf(sets: readonly NamedSet[]): Span[][][] {
  const all = sets.flatMap(({ source, name, set }) =>
    set.sequences.map(({ documents, tokens }) => ({
      // Of token ids alone nothing is known: the same number in two files is another document.
      document: JSON.stringify([source, set.provenance === null ? name : "", documents[0]]),
      tokens,
    })),
  );
  const spans = repeatedSpans(all);
  let at = 0;
  return sets.map(({ set }) => set.sequences.map(() => spans[at++]));
}

/** Those that stand out among all of the source, on a logarithmic scale. */
function judgePerplexities(sets: readonly OpenSet[]): void {
  const all = sets.flatMap(({ found }) => found).filter(({ perplexity }) => perplexity !== null);
  const judged = outliers(all.map(({ perplexity }) => Math.log(perplexity ?? Number.NaN)));
  for (const [i, found] of all.entries()) found.outlier = judged[i];
}

function mainOf(sets: readonly OpenSet[]): string | undefined {
  return mainLanguage(countLanguages(sets.flatMap(({ found }) => found.map(({ language }) => language))));
}

function meanDistance(sets: readonly TokenCounts[]): number | null {
  const distances = sets.flatMap((one, i) => sets.slice(i + 1).map((other) => tokenDistance(one, other)));
  return distances.length === 0 ? null : mean(distances);
}

import { setImmediate } from "node:timers/promises";
import type { Tokenizer } from "../models/tokenizer.js";
import { TouchstoneError } from "../study/errors.js";
import type { SourceSpec } from "../study/source.js";
import { readDocuments } from "./documents.js";
import type { Drawing, DrawingOptions, Shortage } from "./drawing.js";
import { type HashedDocument, keepLowest } from "./lowest.js";
import { orderHash } from "./order.js";
import { packedDrawing } from "./packing.js";
import type { CalibrationSet, SampledSet, SamplingSettings } from "./set.js";
import { windowDrawing } from "./windows.js";

export interface SampleRequest {
  source: SourceSpec;
  /** The files of `source.path` (`sourceFiles`). */
  files: readonly string[];
  tokenizer: Tokenizer;
  settings: SamplingSettings;
  /** Indexes of the sets to draw; each has `settings.largestSize` sequences. */
  sets: readonly number[];
  /** Bytes of text to hold at a time (up to twice as many are); decides only how often the source is read. */
  room?: number;
}

const DEFAULT_ROOM = 128 * 2 ** 20;
/** Every token stands for at least a byte of the text, but for BOS, EOS and the space that some tokenizers put first. */
const TOKENS_WITHOUT_TEXT = 4;
const DOCUMENTS_BETWEEN_REPORTS = 1000;
const TOKENIZED_BETWEEN_REPORTS = 16;

/**
 * Draws sets of a source, of documents in the order of their hashes: all that are asked for in one pass over its files, or in
 * as many as it takes until the documents of the lowest hashes, of which `room` bytes are held at a time, hold enough long
 * ones. A set depends on source, seed, tokenizer and settings alone: not on the other sets, on `room` or on how the documents are
 * spread over files.
 * @param onProgress given the number of documents read so far, all passes together
 * @throws TouchstoneError NotEnoughDocuments, InvalidSettings (a special token that the tokenizer lacks), InvalidData
 */
export async function sampleSets(
  request: SampleRequest,
  onProgress: (documentsSeen: number) => void = () => {},
): Promise<SampledSet[]> {
  const drawing = startDrawing(request);
  let read = 0;
  let lastTaken = "";
  for (;;) {
    const pass = await readLowest(request, lastTaken, (documents) => onProgress(read + documents));
    read += pass.seen;
    await takeInOrder(pass.documents, drawing, request.tokenizer, () => onProgress(read));
    if (!drawing.complete && pass.overflowed) {
      lastTaken = pass.documents[pass.documents.length - 1].hash;
      continue;
    }
    const shortage = drawing.complete ? undefined : drawing.finish();
    if (shortage !== undefined) throw notEnough(request, pass.seen, shortage);
    return request.sets.map((index) => assemble(request, index, drawing, pass.seen));
  }
}

/** The set's first `size` sequences: smaller sets are the beginnings of larger ones. */
export function firstSequences<Set extends CalibrationSet>(set: Set, size: number): Set {
  if (size > set.sequences.length) throw new RangeError(`a set of ${set.sequences.length} has no first ${size}`);
  return { ...set, sequences: set.sequences.slice(0, size) };
}

function startDrawing({ settings, sets, tokenizer }: SampleRequest): Drawing {
  const { bosTokenId, eosTokenId } = tokenizer;
  if (settings.bos === "window" && bosTokenId === null) throw noToken("beginning-of-text token", "bos: window");
  if (settings.pack && eosTokenId === null) throw noToken("end-of-text token", "pack: true");
  const options: DrawingOptions = { settings, sets: Math.max(...sets) + 1, bosTokenId, eosTokenId };
  return settings.pack ? packedDrawing(options) : windowDrawing(options);
}

/** One pass over the source: of the documents that may be long enough and come after `lastTaken`, those of the lowest hashes. */
async function readLowest(
  { source, files, settings, room }: SampleRequest,
  lastTaken: string,
  report: (documents: number) => void,
): Promise<{ documents: readonly HashedDocument[]; seen: number; overflowed: boolean }> {
  const lowest = keepLowest(room ?? DEFAULT_ROOM);
  const fewestBytes = settings.pack ? 1 : settings.length + 1 - TOKENS_WITHOUT_TEXT;
  let seen = 0;
  for await (const { place, text } of readDocuments(files, source.field)) {
    seen++;
    if (seen % DOCUMENTS_BETWEEN_REPORTS === 0) report(seen);
    const bytes = Buffer.byteLength(text);
    if (bytes < fewestBytes) continue;
    const hash = orderHash(settings.seed, source.id, text);
    if (hash > lastTaken && lowest.accepts(hash)) lowest.add({ place, text, hash, bytes });
  }
  report(seen);
  return { documents: lowest.sorted(), seen, overflowed: lowest.overflowed };
}

async function takeInOrder(
  documents: readonly HashedDocument[],
  drawing: Drawing,
  tokenizer: Tokenizer,
  report: () => void,
): Promise<void> {
  for (const [i, { place, hash, text }] of documents.entries()) {
    if (drawing.complete) return;
    drawing.take({ place, hash, tokens: tokenizer.encode(text) });
    if (i % TOKENIZED_BETWEEN_REPORTS !== 0) continue;
    report();
    // Tokenizing is synchronous: without this, nothing else in the process would run meanwhile.
    await setImmediate();
  }
}

function assemble(request: SampleRequest, index: number, drawing: Drawing, seen: number): SampledSet {
  const { length, seed, pack, bos, reuse, largestSize } = request.settings;
  const { sequences, examined, longEnough } = drawing.set(index);
  return {
    sequences,
    provenance: {
      source: request.source,
      files: [...request.files],
      tokenizer: request.tokenizer.digest,
      settings: { length, seed, pack, bos, reuse, largestSize },
      index,
      documents: { seen, examined, longEnough },
    },
  };
}

function notEnough({ source, settings }: SampleRequest, seen: number, { has, needed }: Shortage): TouchstoneError {
  const packing = settings.pack ? "" : "join short documents (pack: true), ";
  const reusing = settings.reuse ? "" : ", or let sets share documents (reuse: true)";
  return new TouchstoneError("NotEnoughDocuments", {
    what: `The source has ${seen} documents, ${has}; ${needed}`,
    where: source.id,
    todo: `Give it more documents, ${packing}ask for shorter sequences or for fewer or smaller sets${reusing}.`,
  });
}

function noToken(token: string, setting: string): TouchstoneError {
  return new TouchstoneError("InvalidSettings", {
    what: `The tokenizer has no ${token}, which ${setting} needs`,
    where: "calibration",
    todo: "Leave that setting out for this model.",
  });
}

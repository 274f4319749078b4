import { createHash } from "node:crypto";
import { z } from "zod";
import { decodeArrow, encodeArrow } from "../storage/arrow.js";
import { TouchstoneError } from "../study/errors.js";
import { sourceSchema } from "../study/source.js";

const count = z.int().nonnegative();

const settingsSchema = z.object({
  /** Tokens a sequence. */
  length: count,
  seed: count,
  pack: z.boolean(),
  bos: z.enum(["document", "window"]),
  reuse: z.boolean(),
  /** Sequences that a set owns: those of smaller sizes are its first ones. */
  largestSize: count,
});

const provenanceSchema = z.object({
  source: sourceSchema,
  files: z.array(z.string()),
  /** Digest of the tokenizer. */
  tokenizer: z.string(),
  settings: settingsSchema,
  /** Which set of the source: it owns the positions `index * largestSize` onwards. */
  index: count,
  documents: z.object({
    /** In all files. */
    seen: count,
    /** Of these, in the hashed order: those tokenized up to the last one that the set of `largestSize` uses. */
    examined: count,
    /** Of the examined: those with more than `length` tokens (with `pack`: all that aren't empty). */
    longEnough: count,
  }),
});

export type SamplingSettings = z.output<typeof settingsSchema>;
export type Provenance = z.output<typeof provenanceSchema>;

/** A window of `length` tokens. */
export interface CalibrationSequence {
  /** The documents whose tokens it holds, in order: one, or several where documents are packed. */
  documents: readonly string[];
  /** Where the window starts: the token of the first document. */
  offset: number;
  tokens: Int32Array;
}

export interface CalibrationSet {
  /** At least one; all of one length. */
  sequences: readonly CalibrationSequence[];
  /** How it was drawn; null: its token ids were given, and nothing else is known. */
  provenance: Provenance | null;
}

export type SampledSet = CalibrationSet & { provenance: Provenance };

/**
 * SHA-256 of the token ids and the length of a sequence (int32, little-endian) and of nothing else, so that sets that hold the
 * same are the same. The length counts, because packed windows of 1,024 and of 2,048 tokens may hold one stream.
 */
export function tokensDigest(set: CalibrationSet): string {
  const hash = createHash("sha256").update(Int32Array.of(sequenceLength(set)));
  for (const { tokens } of set.sequences) {
    hash.update(new Uint8Array(tokens.buffer, tokens.byteOffset, tokens.byteLength));
  }
  return hash.digest("hex");
}

/** Tokens a sequence. */
export function sequenceLength({ sequences }: CalibrationSet): number {
  return sequences[0].tokens.length;
}

/** Token ids alone, all of one length: `input_ids` of a file, or of a program. */
export function setOfTokens(inputIds: readonly Int32Array[]): CalibrationSet {
  const sequences = inputIds.map((tokens, i) => ({ documents: [`input_ids[${i}]`], offset: 0, tokens }));
  return { sequences, provenance: null };
}

/** An Arrow file: one row a sequence with `source`, `document`, `offset` and `tokens`, a list of `length` int32. */
export function encodeSet(set: CalibrationSet): Uint8Array {
  const { sequences, provenance } = set;
  const length = sequenceLength(set);
  const tokens = new Int32Array(sequences.length * length);
  for (const [row, sequence] of sequences.entries()) tokens.set(sequence.tokens, row * length);
  return encodeArrow(
    "calibration set",
    {
      source: { kind: "texts", values: sequences.map(() => provenance?.source.id ?? "") },
      document: { kind: "texts", values: sequences.map(({ documents }) => documents[0]) },
      offset: { kind: "numbers", values: Int32Array.from(sequences, ({ offset }) => offset) },
      tokens: { kind: "lists", size: length, values: tokens },
    },
    {
      digest: tokensDigest(set),
      ...(provenance !== null && {
        seed: String(provenance.settings.seed),
        tokenizer: provenance.tokenizer,
      }),
      provenance: JSON.stringify(provenance),
      further_documents: JSON.stringify(sequences.map(({ documents }) => documents.slice(1))),
    },
  );
}

/** @throws TouchstoneError InvalidData when the bytes are not a calibration set, or its digest does not fit its tokens */
export function decodeSet(bytes: Uint8Array, where: string): CalibrationSet {
  const table = decodeArrow(bytes, where);
  const provenance = provenanceSchema.nullable().safeParse(table.json("provenance"));
  const further = z.array(z.array(z.string())).length(table.rows).safeParse(table.json("further_documents"));
  if (!provenance.success || !further.success) throw notASet(where, "it lacks a set's metadata");
  const tokens = table.numbers("tokens");
  const length = provenance.data?.settings.length ?? table.listSize("tokens");
  const offsets = table.numbers("offset");
  if (!(tokens instanceof Int32Array) || table.listSize("tokens") !== length || tokens.length !== table.rows * length) {
    throw notASet(where, `its tokens are not lists of ${length} int32`);
  }
  if (table.rows === 0) throw notASet(where, "it has no sequences");
  const set: CalibrationSet = {
    provenance: provenance.data,
    sequences: table.texts("document").map((document, row) => ({
      documents: [document, ...further.data[row]],
      offset: offsets[row],
      tokens: tokens.slice(row * length, (row + 1) * length),
    })),
  };
  if (tokensDigest(set) !== table.metadata.get("digest")) throw notASet(where, "its digest does not fit its tokens");
  return set;
}

function notASet(where: string, reason: string): TouchstoneError {
  return new TouchstoneError("InvalidData", {
    what: `This is not a whole calibration set: ${reason}`,
    where,
    todo: "Draw it again with `touchstone sample`.",
  });
}

import protobuf from "protobufjs";
import { z } from "zod";
import {
  describeTokenizer,
  noTokenizer,
  SENTENCEPIECE_FILE,
  sentencePieceParts,
  withAddedTokens,
} from "./tokenizer-files.js";
import type { TokenizerFiles } from "./tokenizer-json.js";

/** What of sentencepiece_model.proto (https://github.com/google/sentencepiece, Apache-2.0) the ids follow from. */
const { root } = protobuf.parse(
  `syntax = "proto2";
  message Piece {
    optional string piece = 1;
    optional float score = 2;
    optional int32 type = 3 [default = 1];
  }
  message Trainer {
    optional int32 model_type = 3 [default = 1];
    optional bool treat_whitespace_as_suffix = 24;
    optional int32 unk_id = 40 [default = 0];
    optional int32 bos_id = 41 [default = 1];
    optional int32 eos_id = 42 [default = 2];
    optional int32 pad_id = 43 [default = -1];
  }
  message Normalizer {
    optional bytes precompiled_charsmap = 2;
    optional bool add_dummy_prefix = 3 [default = true];
    optional bool remove_extra_whitespaces = 4 [default = true];
    optional bool escape_whitespaces = 5 [default = true];
  }
  message Model {
    repeated Piece pieces = 1;
    optional Trainer trainer = 2;
    optional Normalizer normalizer = 3;
  }`,
  { keepCase: true },
);
const [Model, Trainer, Normalizer] = ["Model", "Trainer", "Normalizer"].map((name) => root.lookupType(name));

const BPE = 2;

const modelSchema = z.object({
  pieces: z.array(z.object({ piece: z.string(), score: z.number(), type: z.number() })).min(1),
  trainer: z.object({
    model_type: z.number(),
    treat_whitespace_as_suffix: z.boolean(),
    unk_id: z.number(),
    bos_id: z.number(),
    eos_id: z.number(),
    pad_id: z.number(),
  }),
  normalizer: z.object({
    precompiled_charsmap: z.instanceof(Uint8Array),
    add_dummy_prefix: z.boolean(),
    remove_extra_whitespaces: z.boolean(),
    escape_whitespaces: z.boolean(),
  }),
});
type SentencePieceModel = z.output<typeof modelSchema>;

/**
 * A folder's SentencePiece file as Hugging Face's tokenizer files, as transformers converts LLaMA's: BOS is put first
 * unless `tokenizer_config.json` says otherwise.
 * @param files of the folder: the SentencePiece file, and those that say which tokens are added
 * @param folder its path, for errors
 * @throws TouchstoneError InvalidModel where it is missing or corrupt, or not a BPE model whose text stays as it is
 */
export function sentencePieceTokenizerFiles(files: TokenizerFiles, folder: string): TokenizerFiles {
  const where = `${folder}, ${SENTENCEPIECE_FILE}`;
  const content = files.get(SENTENCEPIECE_FILE);
  if (content === undefined) throw noTokenizer("The file is missing", where);
  const { pieces, trainer, normalizer } = readModel(content, where);
  refuseOtherKinds({ pieces, trainer, normalizer }, where);
  const vocabulary = { tokens: pieces.map(({ piece }) => piece), types: pieces.map(({ type }) => type) };
  const scores = pieces.map(({ score }) => score);
  const tokenAt = (id: number) => vocabulary.tokens[id] ?? null;
  const bos = tokenAt(trainer.bos_id);
  const roles = {
    bos,
    eos: tokenAt(trainer.eos_id),
    unknown: tokenAt(trainer.unk_id),
    padding: tokenAt(trainer.pad_id),
  };
  const parts = sentencePieceParts(vocabulary, scores, normalizer.add_dummy_prefix);
  return describeTokenizer(withAddedTokens(vocabulary, files, folder), parts, roles, { before: bos, after: null });
}

function readModel(content: Uint8Array, where: string): SentencePieceModel {
  // A part that isn't there has its fields' defaults all the same.
  const part = (type: protobuf.Type, found: unknown) => found ?? type.toObject(type.create(), { defaults: true });
  try {
    const { pieces, trainer, normalizer } = Model.toObject(Model.decode(content), { defaults: true });
    return modelSchema.parse({ pieces, trainer: part(Trainer, trainer), normalizer: part(Normalizer, normalizer) });
  } catch (cause) {
    throw noTokenizer("This is no SentencePiece model, or it is corrupt", where, cause);
  }
}

function refuseOtherKinds({ trainer, normalizer }: SentencePieceModel, where: string): void {
  const reasons = [
    trainer.model_type !== BPE && "it is no BPE model",
    normalizer.precompiled_charsmap.length > 0 && "it rewrites characters (precompiled_charsmap)",
    normalizer.remove_extra_whitespaces && "it removes white space",
    !normalizer.escape_whitespaces && "it does not write spaces as \u2581",
    trainer.treat_whitespace_as_suffix && "it puts spaces after words",
  ].filter((reason) => reason !== false);
  if (reasons.length > 0)
    throw noTokenizer(`A SentencePiece model of this kind is not supported: ${reasons.join("; ")}`, where);
}

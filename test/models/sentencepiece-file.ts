import protobuf from "protobufjs";

/** Writes small SentencePiece files, after sentencepiece_model.proto. */

interface Parts {
  pieces: readonly { piece: string; type: number }[];
  trainer?: { model_type?: number };
  normalizer?: { add_dummy_prefix?: boolean; remove_extra_whitespaces?: boolean; precompiled_charsmap?: Uint8Array };
}

const { root } = protobuf.parse(
  `syntax = "proto2";
  message Piece { optional string piece = 1; optional float score = 2; optional int32 type = 3; }
  message Trainer { optional int32 model_type = 3; }
  message Normalizer {
    optional bytes precompiled_charsmap = 2;
    optional bool add_dummy_prefix = 3;
    optional bool remove_extra_whitespaces = 4;
  }
  message Model { repeated Piece pieces = 1; optional Trainer trainer = 2; optional Normalizer normalizer = 3; }`,
  { keepCase: true },
);

/** A BPE model as LLaMA's is, where nothing else is given: earlier pieces are merged first. */
export function sentencePieceModel({ pieces, trainer, normalizer }: Parts): Uint8Array {
  const Model = root.lookupType("Model");
  const message = Model.create({
    pieces: pieces.map((piece, id) => ({ ...piece, score: -id })),
    trainer: { model_type: 2, ...trainer },
    normalizer: { remove_extra_whitespaces: false, ...normalizer },
  });
  return Model.encode(message).finish();
}

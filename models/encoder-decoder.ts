import { TouchstoneError } from "../study/errors.js";
import type { Model, TokenTree } from "./model.js";

// A row of an encoder-decoder is one sequence of tokens too: the first are what the encoder reads, the others what the decoder is
// to give. Hidden states have the encoder's in the former places and the decoder's in the latter, so that all that walks over
// blocks, keeps their inputs or passes them on need not know of two kinds of them.

/**
 * The first tokens of a row, which the encoder reads: as many as its tree says, else half of them, the larger one. So a plain text is
 * taken as in prefix language modelling (Raffel et al. 2020, arXiv 1910.10683, section 3.3.1), which needs no tokens that the text
 * doesn't have, as span corruption does, and lets all linears see as many tokens whatever the text.
 */
export function encoderTokens(tokens: number, tree?: TokenTree): number {
  return tree?.encoderTokens ?? Math.ceil(tokens / 2);
}

/** The first token of a plain sequence that a model predicts: that after the first, or after what the encoder reads. */
export function firstPredicted({ config }: Pick<Model, "config">, tokens: number): number {
  return config.encoderDecoder === undefined ? 1 : encoderTokens(tokens);
}

/** @throws TouchstoneError InvalidData for a sequence that has nothing for the decoder of an encoder-decoder */
export function checkParts({ config, path }: Model, sequences: readonly Int32Array[]): void {
  if (config.encoderDecoder === undefined || sequences.every(({ length }) => length > 1)) return;
  throw new TouchstoneError("InvalidData", {
    what: "A sequence has fewer than two tokens: one for the encoder to read, one for the decoder to give",
    where: path,
    todo: "Drop it, or give longer sequences.",
  });
}

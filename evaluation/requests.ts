import type { Tokenizer } from "../models/tokenizer.js";
import { TouchstoneError } from "../study/errors.js";
import type { Request } from "./question.js";
import { stripEnd } from "./text.js";

/** Tokens to score: each of tokens[from ..] is predicted from all that stand before it; `from` is at least 1. */
export interface Sequence {
  tokens: Int32Array;
  from: number;
}

/** A request in tokens. */
export interface EncodedRequest extends Sequence {
  /** Tokens at the context's beginning that were left out, since the model reads no more. */
  dropped: number;
}

/** `auto`: as the tokenizer's own template has it. */
export type AddBos = "auto" | boolean;

export interface EncodeOptions {
  addBos: AddBos;
  /** Tokens that the model reads at most. */
  maxLength: number;
  /** Whether an encoder reads the context, and a decoder gives the continuation. */
  encoderDecoder?: boolean;
}

/**
 * A request in tokens, as lm-evaluation-harness 0.4.13 has it (`TemplateLM.loglikelihood`).
 * - Whitespace at the context's end moves to the continuation, whose tokens are what the whole's encoding has beyond the context's.
 * - An empty context is the prefix token (BOS, or EOS where there is no BOS), and the continuation is encoded alone. A
 *   context of whitespace alone becomes the prefix token only where its encoding is empty.
 * - The last `maxLength + 1` tokens are kept. Where the continuation alone has more, its first tokens stay unscored.
 * - For an encoder-decoder each is encoded by itself, the context with the tokenizer's own special tokens (T5's EOS) whatever
 *   `addBos` says, the continuation without; the last `maxLength` tokens of each are kept.
 * @throws TouchstoneError TokenizerMismatch where a prefix token is needed and the tokenizer has none
 */
export function encodeRequest(
  tokenizer: Tokenizer,
  request: Request,
  { addBos, maxLength, encoderDecoder = false }: EncodeOptions,
): EncodedRequest {
  if (encoderDecoder) return encodeApart(tokenizer, request, maxLength);
  const [context, continuation] = encodePair(tokenizer, request, addBos);
  const whole = [...context, ...continuation];
  const kept = whole.slice(-(maxLength + 1));
  return {
    tokens: Int32Array.from(kept),
    from: Math.max(1, kept.length - continuation.length),
    dropped: whole.length - kept.length,
  };
}

/**
 * A text in tokens. A text that begins with the prefix token's own text gets no other special tokens.
 * @throws TouchstoneError TokenizerMismatch where BOS is asked for and the tokenizer has none
 */
export function encodeText(tokenizer: Tokenizer, text: string, addBos: AddBos): Int32Array {
  if (addBos === false || beginsWithPrefix(tokenizer, text)) return tokenizer.encode(text, { specialTokens: false });
  const ids = tokenizer.encode(text);
  if (addBos === "auto" || tokenizer.addsBos) return ids;
  if (tokenizer.bosTokenId === null) throw lacking("BOS token, though addBos asks for one");
  return Int32Array.from([tokenizer.bosTokenId, ...ids]);
}

/** Context and continuation. */
type Pair = [Int32Array, Int32Array];

function encodeApart(tokenizer: Tokenizer, request: Request, maxLength: number): EncodedRequest {
  const pair = request.context === "" ? encodeAfterPrefix(tokenizer, request.continuation) : apart(tokenizer, request);
  const [context, continuation] = pair.map((tokens) => tokens.slice(-maxLength));
  return {
    tokens: Int32Array.of(...context, ...continuation),
    from: context.length,
    dropped: pair[0].length + pair[1].length - context.length - continuation.length,
  };
}

function apart(tokenizer: Tokenizer, { context, continuation }: Request): Pair {
  const read = stripEnd(context);
  const before = tokenizer.encode(read);
  const given = tokenizer.encode(context.slice(read.length) + continuation, { specialTokens: false });
  return [before.length === 0 ? Int32Array.of(prefixToken(tokenizer)) : before, given];
}

/** A continuation with nothing before it. */
function encodeAfterPrefix(tokenizer: Tokenizer, continuation: string): Pair {
  const alone = tokenizer.encode(continuation, { specialTokens: false });
  const prefix = prefixToken(tokenizer);
  return alone[0] === prefix ? [alone.subarray(0, 1), alone.subarray(1)] : [Int32Array.of(prefix), alone];
}

function encodePair(tokenizer: Tokenizer, { context, continuation }: Request, addBos: AddBos): Pair {
  if (context === "") return encodeAfterPrefix(tokenizer, continuation);
  const before = encodeText(tokenizer, stripEnd(context), addBos);
  const whole = encodeText(tokenizer, context + continuation, addBos);
  return [before.length === 0 ? Int32Array.of(prefixToken(tokenizer)) : before, whole.subarray(before.length)];
}

function beginsWithPrefix(tokenizer: Tokenizer, text: string): boolean {
  const prefix = tokenizer.bosTokenId ?? tokenizer.eosTokenId;
  const prefixText = prefix === null ? "" : tokenizer.decode([prefix]);
  return prefixText !== "" && text.startsWith(prefixText);
}

/** What stands before a text that has nothing before it. @throws TouchstoneError TokenizerMismatch where there is no such token */
export function prefixToken({ bosTokenId, eosTokenId }: Tokenizer): number {
  const prefix = bosTokenId ?? eosTokenId;
  if (prefix === null) throw lacking("BOS or EOS token to begin an empty context with");
  return prefix;
}

function lacking(what: string): TouchstoneError {
  return new TouchstoneError("TokenizerMismatch", {
    what: `The tokenizer has no ${what}`,
    where: "tokenizer",
    todo: "Use the model's own tokenizer, or set addBos to auto.",
  });
}

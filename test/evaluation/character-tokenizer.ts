import type { Tokenizer } from "../../models/tokenizer.js";

/** Written `^` and `$` in texts. */
export const BOS = 0;
export const EOS = 1;

interface Options {
  bos?: boolean;
  eos?: boolean;
  addsBos?: boolean;
  /** Pairs of characters that are one token. */
  merges?: readonly string[];
}

/** A token a character (its code), or a merged pair; `^` and `$` are the special tokens. */
export function characterTokenizer({ bos = true, eos = true, addsBos = false, merges = [] }: Options = {}): Tokenizer {
  const specials = new Map([
    ["^", BOS],
    ["$", EOS],
  ]);
  return {
    digest: "characters",
    vocabSize: 0x10000,
    bosTokenId: bos ? BOS : null,
    eosTokenId: eos ? EOS : null,
    addsBos,
    encode: (text, { specialTokens = true } = {}) => {
      const ids: number[] = specialTokens && addsBos ? [BOS] : [];
      for (let i = 0; i < text.length; i++) {
        const pair = merges.indexOf(text.slice(i, i + 2));
        ids.push(pair === -1 ? (specials.get(text[i]) ?? text.charCodeAt(i)) : mergedId(pair));
        if (pair !== -1) i++;
      }
      return Int32Array.from(ids);
    },
    decode: (ids) => Array.from(ids, (id) => ({ [BOS]: "^", [EOS]: "$" })[id] ?? String.fromCharCode(id)).join(""),
  };
}

export function mergedId(index: number): number {
  return 0xe000 + index;
}

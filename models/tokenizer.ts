/** Text to token ids, exactly as the model's own tokenizer has it. */
export interface Tokenizer {
  /** Identity: SHA-256 of what determines the ids. */
  readonly digest: string;
  /** Size of the vocabulary without the added tokens. */
  readonly vocabSize: number;
  readonly bosTokenId: number | null;
  readonly eosTokenId: number | null;
  /** Whether `encode` puts BOS first by the tokenizer's own setting. */
  readonly addsBos: boolean;
  /** Ids of `text`; with `specialTokens` (default true) the tokenizer's own template is applied. */
  encode(text: string, options?: { specialTokens?: boolean }): Int32Array;
  decode(ids: ArrayLike<number>): string;
}

/** What a reader may want to look at, in the order in which it is shown. */
export const flags = {
  record: "evaluation record",
  duplicate: "near-duplicate",
  language: "other or unclear language",
  perplexity: "perplexity stands out",
  repeated: "repeated runs",
  markup: "links or tags",
  symbols: "few letters",
} as const;

export type Flag = keyof typeof flags;

export const flagNames = Object.keys(flags) as Flag[];

/** Search attributes of Touchstone's workflows: registered by `touchstone up`, set by the workflows, checked by the doctor. */
export const searchAttributes = {
  TouchstoneStudy: "Keyword",
  TouchstoneModel: "Keyword",
  TouchstoneMethod: "Keyword",
  TouchstoneSource: "Keyword",
  TouchstoneDone: "Int",
  TouchstoneFailed: "Int",
} as const;

export type SearchAttributeName = keyof typeof searchAttributes;

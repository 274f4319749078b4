/** Which of a task's records are scored. */
export interface RecordChoice {
  /** The first of them; null: all. */
  limit: number | null;
  /** Indexes, ascending; left out: all within the limit. */
  only?: readonly number[];
}

/** A task's records, as questions or otherwise, with their indexes. */
export interface Scored<Item> {
  indexes: readonly number[];
  items: readonly Item[];
}

export function scoredRecords<Item>(all: readonly Item[], { limit, only }: RecordChoice): Scored<Item> {
  const indexes = only ?? Array.from(all.slice(0, limit ?? undefined).keys());
  return { indexes, items: indexes.map((index) => all[index]) };
}

/** What a set's compressed model gives for each record of a task: 0 or 1, or a signed sum of such. */
export type RecordValues = Uint8Array | Int8Array;

/** A task of the tasks' mean. */
export interface OutcomeTask {
  task: string;
  records: number;
  /** Expected accuracy of guessing: mean over the records of 1 / choices. */
  chance: number;
  /** Accuracy of always giving the most frequent answer, where all records have the same choices (as yes and no); else null. */
  majority: number | null;
}

/** Every cell's outcomes record by record, as they were scored; of the tasks that the mean is over, without perturbation. */
export interface StudyOutcomes {
  tasks: readonly OutcomeTask[];
  /** By `cellName`: [task][record]. Cells of which a task is missing are not there. */
  cells: ReadonlyMap<string, readonly RecordValues[]>;
  /** Why there are none, where there are none. */
  missing?: string;
}

/** First minus second minus ..., record by record: differences of up to 63 outcomes fit. */
export function minus(first: readonly RecordValues[], ...others: (readonly RecordValues[])[]): RecordValues[] {
  return first.map((values, task) => {
    const difference = Int8Array.from(values);
    for (const other of others) {
      for (let record = 0; record < difference.length; record++) difference[record] -= other[task][record];
    }
    return difference;
  });
}

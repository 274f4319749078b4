import { TouchstoneError } from "../study/errors.js";

/** A record of a data file. */
export interface Row {
  /** Counted from 1: the line in JSON Lines, the row elsewhere. */
  number: number;
  fields: Readonly<Record<string, unknown>>;
}

/** A record or a file without the field that was asked for. */
export function missingField(field: string, known: readonly string[], where: string): TouchstoneError {
  return new TouchstoneError("InvalidData", {
    what: `There is no field "${field}"`,
    where,
    todo: known.length === 0 ? "It has no fields at all." : `The fields are: ${known.join(", ")}.`,
  });
}

import { type ErrorType, TouchstoneError } from "../study/errors.js";

const MEANINGS: Readonly<Record<string, { type: ErrorType; what: string; todo: string }>> = {
  ENOSPC: { type: "DiskFull", what: "The disk is full", todo: "Free some space and try again; what is done is kept." },
  EDQUOT: {
    type: "DiskFull",
    what: "The disk quota is used up",
    todo: "Free some space and try again; what is done is kept.",
  },
  EACCES: { type: "InvalidData", what: "The file or folder may not be used", todo: "Check its permissions." },
  EPERM: { type: "InvalidData", what: "The file or folder may not be used", todo: "Check its permissions." },
  EROFS: { type: "InvalidData", what: "The file system can't be written", todo: "Give another place." },
  ENOENT: { type: "InvalidData", what: "There is no such file or folder", todo: "Check the path." },
  ENOTDIR: { type: "InvalidData", what: "A part of the path is no folder", todo: "Check the path." },
  EISDIR: { type: "InvalidData", what: "This is a folder, not a file", todo: "Check the path." },
};

/** What an error of the operating system means for a person; undefined for what is no such error, or none of theirs to mend. */
export function systemError(cause: unknown): TouchstoneError | undefined {
  if (!(cause instanceof Error)) return undefined;
  const { code = "", path, message } = cause as NodeJS.ErrnoException;
  const meaning = MEANINGS[code];
  if (meaning === undefined) return undefined;
  const { type, what, todo } = meaning;
  return new TouchstoneError(type, { what, where: path ?? message, todo }, { cause });
}

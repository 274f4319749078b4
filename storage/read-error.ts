import { TouchstoneError } from "../study/errors.js";
import { isS3 } from "./files.js";

/** What an exception while a file's bytes were read means: InvalidData, or StorageUnavailable (retryable) for an object store. */
export function readError(cause: unknown, uri: string): TouchstoneError {
  if (cause instanceof TouchstoneError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  if (isS3(uri)) {
    return new TouchstoneError(
      "StorageUnavailable",
      { what: `The object store stopped answering: ${message}`, where: uri, todo: "Reading starts again." },
      { cause },
    );
  }
  return new TouchstoneError(
    "InvalidData",
    { what: `The file can't be read: ${message}`, where: uri, todo: "Check the path and the disk." },
    { cause },
  );
}

/** What the reader of a format says to bytes that are not of it. */
export function notOfFormat(format: string, cause: unknown, uri: string): TouchstoneError {
  if (cause instanceof TouchstoneError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  return new TouchstoneError(
    "InvalidData",
    { what: `This is not a readable ${format} file: ${message}`, where: uri, todo: "Fetch or write it again." },
    { cause },
  );
}

export function corruptFile(message: string, uri: string, cause: unknown): TouchstoneError {
  return new TouchstoneError(
    "InvalidData",
    { what: `The file is truncated or corrupt: ${message}`, where: uri, todo: "Fetch it again." },
    { cause },
  );
}

export function emptyFile(uri: string): TouchstoneError {
  return new TouchstoneError("InvalidData", {
    what: "The file is empty",
    where: uri,
    todo: "Fetch it again, or leave it out.",
  });
}

import { S3ServiceException } from "@aws-sdk/client-s3";
import { TouchstoneError } from "../study/errors.js";

/**
 * What a failed request to the object store means: StorageDenied, DiskFull (retryable), or for all else StorageUnavailable
 * (retryable).
 */
export function storageError(cause: unknown, where: string): TouchstoneError {
  if (cause instanceof TouchstoneError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  const status = cause instanceof S3ServiceException ? cause.$metadata.httpStatusCode : undefined;
  const name = cause instanceof Error ? cause.name : "";
  if (name === "NoSuchBucket") {
    return new TouchstoneError(
      "StorageDenied",
      { what: "There is no such bucket", where, todo: "Create it, or name another under checkpoints.bucket." },
      { cause },
    );
  }
  if (status === 401 || status === 403 || name === "CredentialsProviderError") {
    return new TouchstoneError(
      "StorageDenied",
      {
        what: `The object store refuses the credentials: ${message}`,
        where,
        todo: "Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and S3_ENDPOINT; `touchstone doctor` tests them.",
      },
      { cause },
    );
  }
  if (status === 507 || /no space|storage.*full|disk.*full|ENOSPC|no free volumes|no writable volumes/i.test(message)) {
    return new TouchstoneError(
      "DiskFull",
      {
        what: `The object store is full: ${message}`,
        where,
        todo: "Free some space; the study goes on from where it is.",
      },
      { cause },
    );
  }
  return new TouchstoneError(
    "StorageUnavailable",
    {
      what: `The object store does not answer: ${message}`,
      where,
      todo: "`touchstone status` tells whether it runs; nothing stored is lost.",
    },
    { cause },
  );
}

import {
  CopyObjectCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import { joinUri } from "./files.js";
import { measure } from "./measure.js";
import { readObject, s3Client } from "./s3.js";
import { storageError } from "./storage-error.js";

export interface StoreLocation {
  bucket: string;
  /** Put before every key; may be empty. */
  prefix: string;
}

/** The object store as the checkpoints use it: whole objects, and writes that never replace what is there. */
export interface ObjectStore {
  readonly location: StoreLocation;
  /** undefined when there is no such object. */
  read(key: string): Promise<Uint8Array | undefined>;
  /** False when the object was there already: then nothing is written (`If-None-Match: *`). */
  writeNew(key: string, bytes: Uint8Array): Promise<boolean>;
  /**
   * Makes an object that is there count as written now, so that `touchstone gc` leaves it alone: false when there is none. One that
   * was written in the last half hour stays as it is.
   */
  renew(key: string): Promise<boolean>;
  /** Replaces what is there: for reports, which are made anew at every end. */
  replace(key: string, bytes: Uint8Array, contentType: string): Promise<void>;
  list(prefix: string): Promise<string[]>;
  move(from: string, to: string): Promise<void>;
  /** Where the key may not delete, the object stays. */
  remove(key: string): Promise<void>;
}

/** No garbage collection is given a shorter age than twice this. */
const RENEWED_MS = 30 * 60_000;

/** @throws TouchstoneError from every method: StorageDenied, DiskFull, or (retryable) StorageUnavailable. */
export function openStore(location: StoreLocation): ObjectStore {
  const client = s3Client();
  const { Bucket, full, cut, guarded } = keysOf(location);
  return {
    location,
    read: (key) =>
      guarded(key, async () => {
        const bytes = await readObject({ Bucket, Key: full(key) }).catch(absent);
        if (bytes !== undefined) measure("touchstone_store_bytes", bytes.length, { direction: "read" });
        return bytes;
      }),
    writeNew: (key, bytes) =>
      guarded(key, async () => {
        const put = new PutObjectCommand({ Bucket, Key: full(key), Body: bytes, IfNoneMatch: "*" });
        const written = await client.send(put).catch(alreadyThere);
        measure("touchstone_store_bytes", bytes.length, { direction: "written" });
        return written !== undefined;
      }),
    renew: (key) =>
      guarded(key, async () => {
        const found = await client.send(new HeadObjectCommand({ Bucket, Key: full(key) })).catch(absent);
        if (found === undefined) return false;
        if (Date.now() - (found.LastModified?.getTime() ?? 0) < RENEWED_MS) return true;
        const CopySource = encodeURI(`${Bucket}/${full(key)}`);
        // A copy onto itself must change something: its metadata, of which it has none.
        const copy = new CopyObjectCommand({ Bucket, Key: full(key), CopySource, MetadataDirective: "REPLACE" });
        return (await client.send(copy).catch(absent)) !== undefined;
      }),
    replace: (key, bytes, ContentType) =>
      guarded(key, async () => {
        await client.send(new PutObjectCommand({ Bucket, Key: full(key), Body: bytes, ContentType }));
      }),
    list: (prefix) =>
      guarded(prefix, async () => {
        const found: string[] = [];
        for await (const page of paginateListObjectsV2({ client }, { Bucket, Prefix: full(prefix) })) {
          for (const { Key } of page.Contents ?? []) if (Key !== undefined) found.push(cut(Key));
        }
        return found;
      }),
    move: (from, to) =>
      guarded(from, async () => {
        const CopySource = encodeURI(`${Bucket}/${full(from)}`);
        await client.send(new CopyObjectCommand({ Bucket, Key: full(to), CopySource }));
        await client.send(new DeleteObjectCommand({ Bucket, Key: full(from) }));
      }),
    remove: (key) =>
      guarded(key, async () => {
        await client.send(new DeleteObjectCommand({ Bucket, Key: full(key) })).catch(keptOrThrow);
      }),
  };
}

/** A location's keys as the bucket has them, and back; and failures with the object's address. */
export function keysOf({ bucket: Bucket, prefix }: StoreLocation) {
  const full = (key: string) => (prefix === "" ? key : joinUri(prefix, key));
  return {
    Bucket,
    full,
    cut: (key: string) => key.slice(full("").length),
    guarded: <T>(key: string, work: () => Promise<T>): Promise<T> =>
      work().catch((cause: unknown) => {
        throw storageError(cause, `s3://${Bucket}/${full(key)}`);
      }),
  };
}

let isToldOfKept = false;

/** What is removed is only of no more use: a key that may not delete is told of it once. */
function keptOrThrow(error: unknown): void {
  if (!(error instanceof S3ServiceException) || error.name !== "AccessDenied") throw error;
  if (!isToldOfKept) process.emitWarning("The store keeps what is of no more use: the key may not delete objects.");
  isToldOfKept = true;
}

function absent(error: unknown): undefined {
  // The answer to HEAD has no body that names it.
  if (error instanceof S3ServiceException && ["NoSuchKey", "NotFound"].includes(error.name)) return undefined;
  throw error;
}

/** 412: another writer was first. 409: another writer is at it; S3 asks to look again, and ours are idempotent. */
function alreadyThere(error: unknown): undefined {
  if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 412) return undefined;
  throw error;
}

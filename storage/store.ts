import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import { joinUri } from "./files.js";
import { s3Client } from "./s3.js";
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
  /** Replaces what is there: for reports, which are made anew at every end. */
  replace(key: string, bytes: Uint8Array, contentType: string): Promise<void>;
  list(prefix: string): Promise<string[]>;
  move(from: string, to: string): Promise<void>;
  remove(key: string): Promise<void>;
}

/** @throws TouchstoneError from every method: StorageDenied, DiskFull, or (retryable) StorageUnavailable. */
export function openStore(location: StoreLocation): ObjectStore {
  const client = s3Client();
  const { bucket: Bucket } = location;
  const full = (key: string) => (location.prefix === "" ? key : joinUri(location.prefix, key));
  const guarded = <T>(key: string, work: () => Promise<T>): Promise<T> =>
    work().catch((cause: unknown) => {
      throw storageError(cause, `s3://${Bucket}/${full(key)}`);
    });
  return {
    location,
    read: (key) =>
      guarded(key, async () => {
        const found = await client.send(new GetObjectCommand({ Bucket, Key: full(key) })).catch(absent);
        return found?.Body?.transformToByteArray();
      }),
    writeNew: (key, bytes) =>
      guarded(key, async () => {
        const put = new PutObjectCommand({ Bucket, Key: full(key), Body: bytes, IfNoneMatch: "*" });
        const written = await client.send(put).catch(alreadyThere);
        return written !== undefined;
      }),
    replace: (key, bytes, ContentType) =>
      guarded(key, async () => {
        await client.send(new PutObjectCommand({ Bucket, Key: full(key), Body: bytes, ContentType }));
      }),
    list: (prefix) =>
      guarded(prefix, async () => {
        const found: string[] = [];
        const cut = full("").length;
        for await (const page of paginateListObjectsV2({ client }, { Bucket, Prefix: full(prefix) })) {
          for (const { Key } of page.Contents ?? []) if (Key !== undefined) found.push(Key.slice(cut));
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
        await client.send(new DeleteObjectCommand({ Bucket, Key: full(key) }));
      }),
  };
}

function absent(error: unknown): undefined {
  if (error instanceof S3ServiceException && error.name === "NoSuchKey") return undefined;
  throw error;
}

/** 412: another writer was first. 409: another writer is at it; S3 asks to look again, and ours are idempotent. */
function alreadyThere(error: unknown): undefined {
  if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 412) return undefined;
  throw error;
}

import { createReadStream } from "node:fs";
import { open, rm, stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { DeleteObjectCommand, HeadObjectCommand, paginateListObjectsV2 } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { glob, isDynamicPattern } from "tinyglobby";
import { TouchstoneError } from "../study/errors.js";
import { readObject, s3Client } from "./s3.js";
import { storageError } from "./storage-error.js";

/** Bytes of an object that are asked for at a time where all of it is read. */
const PORTION = 8 << 20;

/** A file on disk or an object in S3, read at any offset. */
export interface DataFile {
  readonly uri: string;
  readonly size: number;
  /** Changes when the content does: size and modification time, or the object's ETag. */
  readonly version: string;
  read(offset: number, length: number): Promise<Uint8Array>;
  stream(): Promise<Readable>;
  close(): Promise<void>;
}

/** @throws TouchstoneError InvalidData when there is no such file; for `s3://` StorageDenied, StorageUnavailable (retryable) too. */
export async function openFile(uri: string): Promise<DataFile> {
  return isS3(uri) ? openObject(uri) : openLocal(uri);
}

/** The whole content. Only for files known to be small (configurations, indexes, evaluation records). */
export async function readFile(uri: string): Promise<Uint8Array> {
  const file = await openFile(uri);
  try {
    return await file.read(0, file.size);
  } finally {
    await file.close();
  }
}

export async function fileExists(uri: string): Promise<boolean> {
  return (await fileSize(uri)) !== undefined;
}

/** Bytes; undefined when there is no such file. */
export async function fileSize(uri: string): Promise<number | undefined> {
  try {
    const file = await openFile(uri);
    await file.close();
    return file.size;
  } catch (error) {
    if (error instanceof TouchstoneError && error.type === "InvalidData") return undefined;
    throw error;
  }
}

/**
 * A local file's content as the object at `uri`, in parts where it is large; whole or not at all.
 * @throws TouchstoneError StorageDenied, DiskFull, StorageUnavailable (retryable)
 */
export async function uploadFile(path: string, uri: string): Promise<void> {
  const { bucket: Bucket, key: Key } = splitS3(uri);
  const params = { Bucket, Key, Body: createReadStream(path) };
  await new Upload({ client: s3Client(), params }).done().catch((cause: unknown) => {
    throw storageError(cause, uri);
  });
}

/** A file that isn't there is removed already. */
export async function removeFile(uri: string): Promise<void> {
  if (!isS3(uri)) return rm(uri, { force: true });
  const { bucket: Bucket, key: Key } = splitS3(uri);
  await s3Client()
    .send(new DeleteObjectCommand({ Bucket, Key }))
    .catch((cause: unknown) => {
      throw storageError(cause, uri);
    });
}

/** The files that a path, a folder or a glob (local or `s3://bucket/prefix*`) names, sorted. May be empty. */
export async function listFiles(pattern: string): Promise<string[]> {
  if (isS3(pattern)) return listObjects(pattern);
  if (!isDynamicPattern(pattern)) {
    const found = await stat(pattern).catch(() => undefined);
    if (found === undefined) return [];
    if (found.isFile()) return [pattern];
    return (await glob("**/*", { cwd: pattern, absolute: true })).sort();
  }
  return (await glob(pattern, { absolute: true, expandDirectories: false })).sort();
}

/** Joins with "/", for local folders and s3:// alike. */
export function joinUri(folder: string, name: string): string {
  return `${folder.replace(/\/+$/, "")}/${name}`;
}

export function isS3(uri: string): boolean {
  return uri.startsWith("s3://");
}

async function openLocal(path: string): Promise<DataFile> {
  const handle = await open(path, "r").catch((cause: NodeJS.ErrnoException) => {
    throw missing(path, cause);
  });
  const { size, mtimeMs } = await handle.stat();
  return {
    uri: path,
    size,
    version: `${size}-${mtimeMs}`,
    read: async (offset, length) => {
      const buffer = new Uint8Array(length);
      for (let done = 0; done < length; ) {
        const { bytesRead } = await handle.read(buffer, done, length - done, offset + done);
        if (bytesRead === 0) throw truncated(path, size, offset + length);
        done += bytesRead;
      }
      return buffer;
    },
    stream: async () => createReadStream(path, { highWaterMark: Math.min(Math.max(1, size), 1 << 20) }),
    close: () => handle.close(),
  };
}

async function openObject(uri: string): Promise<DataFile> {
  const { bucket: Bucket, key: Key } = splitS3(uri);
  const client = s3Client();
  const head = await client.send(new HeadObjectCommand({ Bucket, Key })).catch((cause) => {
    if (cause?.$metadata?.httpStatusCode === 404) throw missing(uri, cause);
    throw storageError(cause, uri);
  });
  const size = head.ContentLength ?? 0;
  const read = async (offset: number, length: number) => {
    if (length === 0) return new Uint8Array(0);
    if (offset + length > size) throw truncated(uri, size, offset + length);
    return readObject({ Bucket, Key, Range: `bytes=${offset}-${offset + length - 1}` }).catch((cause: unknown) => {
      throw storageError(cause, uri);
    });
  };
  async function* portions() {
    for (let offset = 0; offset < size; offset += PORTION) yield read(offset, Math.min(PORTION, size - offset));
  }
  return {
    uri,
    size,
    version: `${size}-${head.ETag}`,
    read,
    // No one connection, which would be given up where what is read is worked on for long.
    stream: async () => Readable.from(portions(), { objectMode: false }),
    close: async () => {},
  };
}

async function listObjects(pattern: string): Promise<string[]> {
  const { bucket, key } = splitS3(pattern);
  const star = key.search(/[*?[{]/);
  const prefix = star === -1 ? key : key.slice(0, star);
  const found: string[] = [];
  try {
    for await (const page of paginateListObjectsV2({ client: s3Client() }, { Bucket: bucket, Prefix: prefix })) {
      for (const { Key } of page.Contents ?? []) if (Key !== undefined && !Key.endsWith("/")) found.push(Key);
    }
  } catch (cause) {
    throw storageError(cause, pattern);
  }
  const { default: picomatch } = await import("picomatch");
  const matches = star === -1 ? (name: string) => name === key || name.startsWith(joinUri(key, "")) : picomatch(key);
  return found
    .filter((name) => matches(name))
    .map((name) => `s3://${bucket}/${name}`)
    .sort();
}

/** `s3://bucket/key` in its two parts. */
export function splitS3(uri: string): { bucket: string; key: string } {
  const match = /^s3:\/\/([^/]+)\/?(.*)$/.exec(uri);
  if (match === null) {
    throw new TouchstoneError("InvalidData", {
      what: "This is not an s3 address",
      where: uri,
      todo: "Write s3://bucket/key.",
    });
  }
  return { bucket: match[1], key: match[2] };
}

function missing(uri: string, cause: unknown): TouchstoneError {
  return new TouchstoneError(
    "InvalidData",
    { what: "There is no such file, or it can't be read", where: uri, todo: "Check the path." },
    { cause },
  );
}

function truncated(uri: string, size: number, wanted: number): TouchstoneError {
  return new TouchstoneError("InvalidData", {
    what: `The file is truncated: it has ${size} bytes, but byte ${wanted} was needed`,
    where: uri,
    todo: "Fetch it again.",
  });
}

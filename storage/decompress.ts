import { pipeline, type Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { Decompress } from "fzstd";
import { TouchstoneError } from "../study/errors.js";
import { isS3, openFile } from "./files.js";

/** Of output; and of Zstandard input, which may grow a thousandfold. */
const CHUNK = 256 * 1024;
const ZSTD_INPUT = 32 * 1024;

/**
 * A file's bytes in order, decompressed where its name ends in `.gz` or `.zst`; bounded memory.
 * @throws TouchstoneError InvalidData when it is missing, empty, truncated or corrupt; StorageUnavailable (retryable) when
 *   the object store stops answering
 */
export async function* readBytes(uri: string): AsyncGenerator<Uint8Array> {
  const file = await openFile(uri);
  try {
    if (file.size === 0) throw emptyFile(uri);
    const stream = await file.stream();
    try {
      if (/\.gz$/i.test(uri)) yield* gunzip(stream);
      else if (/\.zst$/i.test(uri)) yield* unzstd(stream);
      else yield* stream as AsyncIterable<Uint8Array>;
    } finally {
      stream.destroy();
    }
  } catch (cause) {
    throw readError(cause, uri);
  } finally {
    await file.close();
  }
}

function gunzip(source: Readable): AsyncIterable<Uint8Array> {
  // The callback is for the pipeline's own sake: a failure of either stream reaches the reader of the last.
  return pipeline(source, createGunzip({ chunkSize: CHUNK }), () => {});
}

async function* unzstd(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let blocks: Uint8Array[] = [];
  const decompressor = new Decompress((block) => {
    if (block.length > 0) blocks.push(block);
  });
  for await (const bytes of source) {
    for (let start = 0; start < bytes.length; start += ZSTD_INPUT) {
      push(decompressor, bytes.subarray(start, start + ZSTD_INPUT), false);
      yield* blocks;
      blocks = [];
    }
  }
  push(decompressor, new Uint8Array(0), true);
  yield* blocks;
}

function push(decompressor: Decompress, bytes: Uint8Array, final: boolean): void {
  try {
    decompressor.push(bytes, final);
  } catch (cause) {
    throw new CorruptStream(cause instanceof Error ? cause.message : String(cause));
  }
}

class CorruptStream extends Error {}

function readError(cause: unknown, uri: string): unknown {
  if (cause instanceof TouchstoneError) return cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  if (cause instanceof CorruptStream || code?.startsWith("Z_")) {
    return new TouchstoneError(
      "InvalidData",
      { what: `The file is truncated or corrupt: ${message}`, where: uri, todo: "Fetch it again." },
      { cause },
    );
  }
  if (isS3(uri)) {
    return new TouchstoneError(
      "StorageUnavailable",
      { what: `The object store stopped answering: ${message}`, where: uri, todo: "It is read again." },
      { cause },
    );
  }
  return new TouchstoneError(
    "InvalidData",
    { what: `The file can't be read: ${message}`, where: uri, todo: "Check the path and the disk." },
    { cause },
  );
}

/** What an empty file is answered with, whatever its format. */
export function emptyFile(uri: string): TouchstoneError {
  return new TouchstoneError("InvalidData", {
    what: "The file is empty",
    where: uri,
    todo: "Fetch it again, or leave it out.",
  });
}

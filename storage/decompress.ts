import { pipeline, type Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { Decompress, decompress } from "fzstd";
import type { DataFile } from "./files.js";
import { corruptFile, readError } from "./read-error.js";
import { ZstdLimits } from "./zstd-limits.js";

/** Of output; and of Zstandard input, which may grow a thousandfold. */
const CHUNK = 256 * 1024;
const ZSTD_INPUT = 32 * 1024;

/** Of a page or buffer no more is decompressed than this, or this many times its bytes (deflate's most): writers make smaller ones. */
const FREE_BYTES = 2 ** 24;
const MOST_EXPANSION = 1032;

/** Bytes that a compressed page or buffer may stand for. */
export function mostDecompressed(compressed: number): number {
  return Math.max(FREE_BYTES, MOST_EXPANSION * compressed);
}

/**
 * A file's bytes in order, decompressed where its name ends in `.gz` or `.zst`; bounded memory. (Zstandard's own checksum is
 * not looked at; gzip's is.)
 * @throws TouchstoneError InvalidData when it is truncated or corrupt; StorageUnavailable (retryable) when
 *   the object store stops answering
 */
export async function* readBytes(file: DataFile): AsyncGenerator<Uint8Array> {
  const { uri } = file;
  try {
    const stream = await file.stream();
    try {
      if (/\.gz$/i.test(uri)) yield* gunzip(stream, uri);
      else if (/\.zst$/i.test(uri)) yield* unzstdStream(stream, uri);
      else yield* stream as AsyncIterable<Uint8Array>;
    } finally {
      stream.destroy();
    }
  } catch (cause) {
    throw readError(cause, uri);
  }
}

async function* gunzip(source: Readable, uri: string): AsyncGenerator<Uint8Array> {
  try {
    // The callback is for the pipeline's own sake: a failure of either stream reaches the reader of the last.
    yield* pipeline(source, createGunzip({ chunkSize: CHUNK }), () => {}) as AsyncIterable<Uint8Array>;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw code?.startsWith("Z_") ? corruptFile(message, uri, cause) : cause;
  }
}

/**
 * Zstandard frames at once.
 * @param most bytes that they may hold
 * @throws RangeError for more, and as the decompressor does
 */
export function unzstd(bytes: Uint8Array, most: number): Uint8Array {
  new ZstdLimits(most).check(bytes, most);
  return decompress(bytes);
}

async function* unzstdStream(source: AsyncIterable<Uint8Array>, uri: string): AsyncGenerator<Uint8Array> {
  let blocks: Uint8Array[] = [];
  let produced = 0;
  const limits = new ZstdLimits();
  const decompressor = new Decompress((block) => {
    produced += block.length;
    if (block.length > 0) blocks.push(block);
  });
  const decompressed = (bytes: Uint8Array, final: boolean): Uint8Array[] => {
    blocks = [];
    try {
      limits.check(bytes, produced);
      decompressor.push(bytes, final);
    } catch (cause) {
      throw corruptFile(cause instanceof Error ? cause.message : String(cause), uri, cause);
    }
    return blocks;
  };
  for await (const bytes of source) {
    for (let start = 0; start < bytes.length; start += ZSTD_INPUT) {
      yield* decompressed(bytes.subarray(start, start + ZSTD_INPUT), false);
    }
  }
  yield* decompressed(new Uint8Array(0), true);
}

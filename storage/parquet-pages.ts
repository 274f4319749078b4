import { type ByteCursor, nextByte, nextVariable, nextZigzag, skipBytes } from "./byte-cursor.js";

// The values of a page as far as they tell how many there are. The library goes on with runs and blocks of any length. Source:
// https://github.com/apache/parquet-format/blob/master/Encodings.md

/** The highest levels of a column, by its place in the schema. */
export interface Levels {
  repetition: number;
  definition: number;
}

export interface DataPage {
  /** With nulls. */
  values: number;
  /** Where the page's header says it (version 2), with the levels' bytes. */
  version2?: { nulls: number; repetitionBytes: number; definitionBytes: number };
  encoding: number;
}

/** By their numbers in the format. */
const DICTIONARY = new Set([2, 8]);
const RLE = 3;
const DELTA_BINARY_PACKED = 5;
const DELTA_LENGTH_BYTE_ARRAY = 6;
const DELTA_BYTE_ARRAY = 7;

/** Writers fill the last group of packed values. */
const MOST_PADDING = 512;
const MOST_BLOCK = 2 ** 20;
const MOST_MINIBLOCKS = 512;

/**
 * @param page decompressed: levels and values
 * @param most bytes that texts may be
 * @throws RangeError where runs or blocks hold more than the page has values, texts repeat more than there is, or bytes are missing
 */
export function checkDataPage(
  page: Uint8Array,
  { values, version2, encoding }: DataPage,
  levels: Levels,
  isBoolean: boolean,
  most: number,
): void {
  const cursor: ByteCursor = { bytes: page, at: 0, ends: "a page ends" };
  if (levels.repetition > 0) readLevels(cursor, levels.repetition, values, version2?.repetitionBytes);
  if (version2 !== undefined) cursor.at = version2.repetitionBytes;
  const defined =
    levels.definition > 0 ? readLevels(cursor, levels.definition, values, version2?.definitionBytes) : values;
  if (version2 !== undefined) cursor.at = version2.repetitionBytes + version2.definitionBytes;
  const count = version2 === undefined ? defined : values - version2.nulls;
  if (count < 0) throw new RangeError(`a page of ${values} values has more nulls`);
  if (encoding === RLE || DICTIONARY.has(encoding)) {
    if (isBoolean) cursor.at += 4;
    const width = isBoolean ? 1 : nextByte(cursor);
    if (width > 32) throw new RangeError(`a page has values of ${width} bits`);
    if (width > 0) countRuns(cursor, width, count, -1);
  } else if (encoding === DELTA_BINARY_PACKED || encoding === DELTA_LENGTH_BYTE_ARRAY) {
    readDeltas(cursor, count, false);
  } else if (encoding === DELTA_BYTE_ARRAY) {
    checkPrefixes(readDeltas(cursor, count, true), readDeltas(cursor, count, true), most);
  }
}

/** How many values are of the highest level. @param bytes of the levels, where they don't begin with that */
function readLevels(cursor: ByteCursor, highest: number, values: number, bytes: number | undefined): number {
  const length = bytes ?? littleEndian(cursor, 4);
  const start = cursor.at;
  const found = countRuns(cursor, 32 - Math.clz32(highest), values, highest);
  cursor.at = start + length;
  return found;
}

/** How many of `count` values in runs and packed groups are the wanted one. */
function countRuns(cursor: ByteCursor, width: number, count: number, wanted: number): number {
  let found = 0;
  for (let seen = 0; seen < count; ) {
    const header = nextVariable(cursor);
    if (header % 2 === 0) {
      const run = header / 2;
      if (run > count - seen) throw new RangeError(`a run of ${run} values is longer than its page`);
      if (littleEndian(cursor, (width + 7) >> 3) === wanted) found += run;
      seen += run;
    } else {
      const packed = 8 * ((header - 1) / 2);
      if (packed > count - seen + MOST_PADDING)
        throw new RangeError(`${packed} packed values are more than their page's`);
      const bits = bitsOf(cursor, (packed * width) / 8);
      for (let left = Math.min(packed, count - seen); left > 0; left--) if (bits(width) === wanted) found++;
      seen += packed;
    }
  }
  return found;
}

/** The values, where they are asked for, in 32 bits. */
function readDeltas(cursor: ByteCursor, count: number, isWanted: boolean): Int32Array {
  const [block, miniblocks, total] = [nextVariable(cursor), nextVariable(cursor), nextVariable(cursor)];
  const size = block / miniblocks;
  const isPossible =
    block > 0 && block <= MOST_BLOCK && miniblocks > 0 && miniblocks <= MOST_MINIBLOCKS && size % 8 === 0;
  if (!isPossible) throw new RangeError(`a page has blocks of ${block} values in ${miniblocks} parts`);
  if (total < count) throw new RangeError(`a page has ${total} of its ${count} values`);
  const values = new Int32Array(isWanted ? count : 0);
  let value = nextZigzag(cursor);
  values[0] = value;
  for (let seen = 1; seen < count; ) {
    const least = nextZigzag(cursor);
    const widths = Array.from({ length: miniblocks }, () => nextByte(cursor));
    for (let i = 0; i < miniblocks && seen < count; i++) {
      if (widths[i] > 64) throw new RangeError(`a page has values of ${widths[i]} bits`);
      const bits = bitsOf(cursor, (size * widths[i]) / 8);
      for (let j = 0; isWanted && j < size && seen + j < count; j++) {
        value = (value + least + bits(widths[i])) | 0;
        values[seen + j] = value;
      }
      seen += size;
    }
  }
  return values;
}

/** Each text repeats the beginning of the one before. */
function checkPrefixes(prefixes: Int32Array, suffixes: Int32Array, most: number): void {
  let [before, total] = [0, 0];
  for (const [i, prefix] of prefixes.entries()) {
    if (prefix < 0 || prefix > before || suffixes[i] < 0)
      throw new RangeError(`a text can't begin with ${prefix} bytes of the ${before} before it`);
    before = prefix + suffixes[i];
    total += before;
  }
  if (total > most) throw new RangeError(`a page's texts can't be ${total} bytes`);
}

/** Reads packed numbers of `bytes`, the lowest bits first and 32 at most of each, and leaves the cursor behind them. */
function bitsOf(cursor: ByteCursor, bytes: number): (width: number) => number {
  const page = cursor.bytes;
  let bit = 8 * cursor.at;
  skipBytes(cursor, bytes);
  return (width) => {
    let value = 0;
    for (let done = 0; done < width; ) {
      const taken = Math.min(8 - (bit & 7), width - done);
      if (done < 32) value |= ((page[bit >> 3] >> (bit & 7)) & (2 ** taken - 1)) << done;
      done += taken;
      bit += taken;
    }
    return value;
  };
}

function littleEndian(cursor: ByteCursor, width: number): number {
  let value = 0;
  for (let i = 0; i < width; i++) value += nextByte(cursor) * 256 ** i;
  return value;
}

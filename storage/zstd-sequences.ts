/** Of a block: what its sequences copy, at most. Source of all below: RFC 8878, section 3.1.1.3 */
const MOST_CONTENT = 2 ** 17;

/** How a code of one kind is decoded: each state has a symbol, and leads to `base` plus as many bits as `bits` says. */
interface Table {
  log: number;
  symbols: Uint8Array;
  bits: Uint8Array;
  base: Uint16Array;
}

type Kind = "literals" | "offsets" | "matches";

/** What a kind's codes are made of. */
interface Code {
  defaults: Table;
  mostLog: number;
  symbols: number;
}

/** Tables of the blocks before in a frame, which later ones may use again. */
export type SequenceTables = Partial<Record<Kind, Table>>;

/**
 * Decodes a compressed block's sequences without copying anything: the decompressor goes on where a block's bits have ended, and copies
 * whatever lengths it then finds, for seconds.
 * @param content without the block's header
 * @param tables of the frame; this block's are put there
 * @throws RangeError for a block that copies more than a block can hold, or says that it has more sequences than bits
 */
export function checkSequences(content: Uint8Array, tables: SequenceTables): void {
  let at = literalsEnd(content);
  let count = byteAt(content, at++);
  if (count === 0) return;
  if (count === 255) {
    count = byteAt(content, at) + byteAt(content, at + 1) * 256 + 0x7f00;
    at += 2;
  } else if (count > 127) count = (count - 128) * 256 + byteAt(content, at++);
  const modes = byteAt(content, at++);
  for (const [i, kind] of KINDS.entries()) {
    const { table, end } = readTable(content, at, (modes >> (6 - 2 * i)) & 3, CODES[kind], tables[kind]);
    tables[kind] = table;
    at = end;
  }
  const { literals, offsets, matches } = tables as Record<Kind, Table>;
  const bits = new BackwardBits(content, at);
  let [literal, offset, match] = [bits.read(literals.log), bits.read(offsets.log), bits.read(matches.log)];
  let copied = 0;
  for (let left = count; left > 0; left--) {
    bits.skip(offsets.symbols[offset]);
    copied += lengthOf(MATCH_LENGTHS, matches.symbols[match], bits);
    copied += lengthOf(LITERAL_LENGTHS, literals.symbols[literal], bits);
    if (copied > MOST_CONTENT) throw new RangeError("a Zstandard block's sequences copy more than a block holds");
    if (left === 1) return;
    literal = literals.base[literal] + bits.read(literals.bits[literal]);
    match = matches.base[match] + bits.read(matches.bits[match]);
    offset = offsets.base[offset] + bits.read(offsets.bits[offset]);
  }
}

function byteAt(content: Uint8Array, at: number): number {
  if (at >= content.length) throw new RangeError("a Zstandard block ends too soon");
  return content[at];
}

/** Where the literals section ends. Section 3.1.1.3.1 */
function literalsEnd(content: Uint8Array): number {
  const first = byteAt(content, 0);
  const [type, format] = [first & 3, (first >> 2) & 3];
  if (type < 2) {
    const width = [1, 2, 1, 3][format];
    const size = littleEndian(content, 0, width) >>> (width === 1 ? 3 : 4);
    return width + (type === 0 ? size : 1);
  }
  const [width, sizeBits] = [
    [3, 10],
    [3, 10],
    [4, 14],
    [5, 18],
  ][format];
  const compressed = Math.floor(littleEndian(content, 0, width) / 2 ** (4 + sizeBits));
  return width + compressed;
}

function littleEndian(content: Uint8Array, at: number, width: number): number {
  let value = 0;
  for (let i = width - 1; i >= 0; i--) value = value * 256 + byteAt(content, at + i);
  return value;
}

/** Section 3.1.1.3.2.1: predefined, one symbol, described, or as before. */
function readTable(
  content: Uint8Array,
  at: number,
  mode: number,
  { defaults, mostLog, symbols }: Code,
  before: Table | undefined,
): { table: Table; end: number } {
  if (mode === 0) return { table: defaults, end: at };
  if (mode === 2) return describedTable(content, at, mostLog, symbols);
  if (mode === 3) {
    if (before === undefined) throw new RangeError("a Zstandard block uses tables that there are none of");
    return { table: before, end: at };
  }
  const symbol = byteAt(content, at);
  if (symbol >= symbols) throw new RangeError(`a Zstandard block has the code ${symbol}`);
  return { table: tableOf([...Array(symbol).fill(0), 1], 0), end: at + 1 };
}

/** Section 4.1.1 */
function describedTable(content: Uint8Array, at: number, mostLog: number, symbols: number) {
  let bit = 8 * at;
  const peek = (count: number) => {
    let value = 0;
    for (let i = 0; i < count; i++) value |= ((byteAt(content, (bit + i) >> 3) >> ((bit + i) & 7)) & 1) << i;
    return value;
  };
  const log = peek(4) + 5;
  bit += 4;
  if (log > mostLog) throw new RangeError(`a Zstandard table has ${log} bits`);
  const counts: number[] = [];
  for (let left = 2 ** log; left > 0; ) {
    if (counts.length >= symbols) throw new RangeError("a Zstandard table has too many codes");
    const width = Math.floor(Math.log2(left + 1)) + 1;
    const threshold = 2 ** width - 1 - (left + 1);
    const low = peek(width - 1);
    const isShort = low < threshold;
    const value = isShort ? low : peek(width);
    bit += isShort ? width - 1 : width;
    const count = (!isShort && value >= 2 ** (width - 1) ? value - threshold : value) - 1;
    counts.push(count);
    left -= Math.abs(count);
    for (let more = count === 0 ? 3 : 0; more === 3; ) {
      more = peek(2);
      bit += 2;
      for (let i = 0; i < more; i++) counts.push(0);
    }
    if (left < 0) throw new RangeError("a Zstandard table's counts are too many");
  }
  return { table: tableOf(counts, log), end: Math.ceil(bit / 8) };
}

/** Section 4.1.1. @param counts of each symbol's states, -1 for one that is less probable than a state */
function tableOf(counts: readonly number[], log: number): Table {
  const size = 2 ** log;
  const symbols = new Uint8Array(size);
  const next = counts.map(Math.abs);
  let end = size;
  for (const [symbol, count] of counts.entries()) if (count === -1) symbols[--end] = symbol;
  let at = 0;
  for (const [symbol, count] of counts.entries()) {
    for (let i = 0; i < count; i++) {
      symbols[at] = symbol;
      do at = (at + (size >> 1) + (size >> 3) + 3) & (size - 1);
      while (at >= end);
    }
  }
  const [bits, base] = [new Uint8Array(size), new Uint16Array(size)];
  for (const [state, symbol] of symbols.entries()) {
    const place = next[symbol]++;
    bits[state] = log - Math.floor(Math.log2(place));
    base[state] = place * 2 ** bits[state] - size;
  }
  return { log, symbols, bits, base };
}

/** What each code stands for: from `base` on, plus as many bits as `bits` says. Section 3.1.1.3.2.1.1 */
interface Lengths {
  base: readonly number[];
  bits: readonly number[];
}

function lengths(first: number, short: number, bits: readonly number[]): Lengths {
  const all = [...Array<number>(short).fill(0), ...bits];
  let from = first;
  const base = all.map((each) => {
    const own = from;
    from += 2 ** each;
    return own;
  });
  return { base, bits: all };
}

const LITERAL_LENGTHS = lengths(0, 16, [1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
const MATCH_LENGTHS = lengths(3, 32, [1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);

function lengthOf({ base, bits }: Lengths, code: number, from: BackwardBits): number {
  return base[code] + from.read(bits[code]);
}

const KINDS: readonly Kind[] = ["literals", "offsets", "matches"];

const ones = (count: number) => Array<number>(count).fill(1);
const twos = (count: number) => Array<number>(count).fill(2);
const rare = (count: number) => Array<number>(count).fill(-1);

/** Section 3.1.1.3.2.2 */
const CODES: Readonly<Record<Kind, Code>> = {
  literals: {
    defaults: tableOf([4, 3, ...twos(11), ...ones(3), ...twos(9), 3, 2, ...ones(5), ...rare(4)], 6),
    mostLog: 9,
    symbols: 36,
  },
  offsets: {
    defaults: tableOf([...ones(6), ...twos(3), ...ones(15), ...rare(5)], 5),
    mostLog: 8,
    symbols: 32,
  },
  matches: {
    defaults: tableOf([1, 4, 3, ...twos(6), ...ones(37), ...rare(7)], 6),
    mostLog: 9,
    symbols: 53,
  },
};

/** Bits that are read from the end on, after the highest one of the last byte. Section 4.1 */
class BackwardBits {
  readonly #content: Uint8Array;
  readonly #first: number;
  #left: number;

  /** @param from where they end */
  constructor(content: Uint8Array, from: number) {
    const last = from < content.length ? content[content.length - 1] : 0;
    if (last === 0) throw new RangeError("a Zstandard block has no bits for its sequences");
    this.#content = content;
    this.#first = 8 * from;
    this.#left = 8 * (content.length - 1 - from) + Math.floor(Math.log2(last));
  }

  skip(count: number): void {
    this.#left -= count;
    if (this.#left < 0) throw new RangeError("a Zstandard block has more sequences than bits");
  }

  /** @param count at most 16 */
  read(count: number): number {
    this.skip(count);
    const bit = this.#first + this.#left;
    const at = bit >> 3;
    const word = this.#content[at] | (this.#content[at + 1] << 8) | (this.#content[at + 2] << 16);
    return (word >> (bit & 7)) & (2 ** count - 1);
  }
}

import type { RandomGenerator } from "pure-rand/types/RandomGenerator";

/** A file to alter, with the places that its reader most likely takes for lengths, counts and offsets. */
export interface Original {
  bytes: Uint8Array;
  fields: readonly number[];
}

/** No copy is longer than the original and this: how much a reader may take is measured against it. */
const MOST_ADDED = 64 * 1024;
/** Magic numbers and trailing lengths, without which most readers look no further. */
const END = 8;

/** Edges of signed and unsigned lengths of 8 to 64 bits. */
const EDGES = [
  ...[0n, 1n, 2n, 0x7fn, 0x80n, 0xffn, 0x7fffn, 0xffffn, 0xff_ffffn, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn],
  ...[1n << 32n, 1n << 53n, (1n << 63n) - 1n, 1n << 63n, (1n << 64n) - 1n],
];
/** What stands in texts for a value or between values. */
const WORDS = [
  ...["-1", "0", "0.5", "1e400", "4294967296", "9007199254740993", "null", "true", '""', "[]", "{}", '{"type":"x"}'],
  ...['"__proto__":{},', ",", ":", "\n", '"', "\\u0000", "\ud800", "{{", "}}", "{% for x in y %}", "&a [*a, *a]", "*a"],
  ...["<<: *a", "!!python/object:os.system", "!", "- ", "  ", "? ", "|", "# "],
];
/** Values inside one another. */
const NESTS = [
  ["[", "]"],
  ['{"a":', "}"],
  ["- ", ""],
  ["(", ")"],
  ["{{", "}}"],
];

export function originalOf(bytes: Uint8Array): Original {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const places = Array.from({ length: Math.max(0, bytes.length - 3) }, (_, at) => at);
  const fields = places.filter((at) => view.getUint32(at, true) > 0 && view.getUint32(at, true) <= bytes.length);
  return { bytes, fields };
}

/** A copy with one to four changes; half of the copies keep the ends of the original. */
export function mutated(original: Original, random: RandomGenerator): Uint8Array {
  const below = (limit: number) => (random.next() >>> 0) % Math.max(1, limit);
  const keepsEnds = below(2) === 0;
  let bytes: Uint8Array = Uint8Array.from(original.bytes);
  for (let left = 1 + below(4); left > 0; left--) bytes = MUTATIONS[below(MUTATIONS.length)](bytes, below, original);
  if (!keepsEnds || bytes.length < 2 * END) return bytes;
  bytes.set(original.bytes.subarray(0, END));
  bytes.set(original.bytes.subarray(-END), bytes.length - END);
  return bytes;
}

type Below = (limit: number) => number;
type Mutation = (bytes: Uint8Array, below: Below, original: Original) => Uint8Array;

const MUTATIONS: readonly Mutation[] = [
  function flip(bytes, below) {
    if (bytes.length > 0) bytes[below(bytes.length)] ^= 1 + below(255);
    return bytes;
  },
  function cut(bytes, below) {
    return bytes.slice(0, below(bytes.length));
  },
  function extend(bytes, below) {
    const value = below(256);
    return spliced(bytes, bytes.length, 0, new Uint8Array(1 + below(below(4) === 0 ? 4096 : 16)).fill(value));
  },
  function field(bytes, below, { fields }) {
    return overwritten(bytes, fields[below(fields.length)] ?? below(bytes.length), edge(below, below(2) === 0 ? 4 : 8));
  },
  function number(bytes, below) {
    return overwritten(bytes, below(bytes.length), edge(below, 1 + below(8)));
  },
  function variableNumber(bytes, below) {
    const at = below(bytes.length);
    return spliced(bytes, at, below(3), variable(EDGES[below(EDGES.length)]));
  },
  function insert(bytes, below, { bytes: source }) {
    return spliced(bytes, below(bytes.length), 0, chunk(source, below));
  },
  function overwrite(bytes, below, { bytes: source }) {
    return overwritten(bytes, below(bytes.length), chunk(source, below));
  },
  function remove(bytes, below) {
    return spliced(bytes, below(bytes.length), 1 + below(32), new Uint8Array(0));
  },
  function repeat(bytes, below, { bytes: source }) {
    const part = chunk(source, below);
    const times = 2 + below(below(4) === 0 ? 1000 : 8);
    return spliced(bytes, below(bytes.length), 0, Buffer.concat(Array.from({ length: times }, () => part)));
  },
  function literal(bytes, below) {
    const start = valueFrom(bytes, below(bytes.length));
    let end = start;
    while (isWord(bytes[end])) end++;
    return spliced(bytes, start, end - start, text(WORDS[below(WORDS.length)]));
  },
  function nest(bytes, below) {
    const [open, close] = NESTS[below(NESTS.length)];
    const depth = 1 + below(below(32) === 0 ? 8_000 : 40);
    const closed = below(2) === 0 ? `1${close.repeat(depth)}` : "";
    return spliced(bytes, valueFrom(bytes, below(bytes.length)), 0, text(open.repeat(depth) + closed));
  },
];

function spliced(bytes: Uint8Array, at: number, removed: number, added: Uint8Array): Uint8Array {
  const fits = added.subarray(0, MOST_ADDED);
  return new Uint8Array(Buffer.concat([bytes.subarray(0, at), fits, bytes.subarray(at + removed)]));
}

function overwritten(bytes: Uint8Array, at: number, by: Uint8Array): Uint8Array {
  bytes.set(by.subarray(0, Math.max(0, bytes.length - at)), Math.min(at, bytes.length));
  return bytes;
}

function chunk(source: Uint8Array, below: Below): Uint8Array {
  const start = below(source.length);
  return source.subarray(start, start + 1 + below(64));
}

/** An edge, or a little beside it, little-endian. */
function edge(below: Below, width: number): Uint8Array {
  const value = EDGES[below(EDGES.length)] + BigInt(below(3)) - 1n;
  return Uint8Array.from({ length: width }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}

/** In groups of seven bits, as Thrift's compact protocol has numbers. */
function variable(value: bigint): Uint8Array {
  const groups: number[] = [];
  for (let rest = value; groups.length === 0 || rest > 0n; rest >>= 7n) groups.push(Number(rest & 0x7fn) | 0x80);
  groups[groups.length - 1] &= 0x7f;
  return Uint8Array.from(groups);
}

/** The first place from `at` on where a word begins, or `at`. */
function valueFrom(bytes: Uint8Array, at: number): number {
  for (let i = at + 1; i < bytes.length; i++) if (isWord(bytes[i]) && !isWord(bytes[i - 1])) return i;
  return at;
}

function isWord(byte: number | undefined): boolean {
  return byte !== undefined && /[\w.-]/.test(String.fromCharCode(byte));
}

function text(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}

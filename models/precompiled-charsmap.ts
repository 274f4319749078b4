import { TouchstoneError } from "../study/errors.js";

/** What puts characters in place of others before a text is cut. */
export type Normalize = (text: string) => string;

/** Printable ASCII characters between others of these: nothing joins them to one that a reader would see. */
const ALONE = /((?<=[ -~])[ -~]+(?=[ -~]))/;
/** Larger clusters of characters are taken one character at a time. */
const MOST_BYTES = 5;

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });
const utf8 = new TextEncoder();

/**
 * The normalizer `Precompiled` of `tokenizer.json`, SentencePiece's table of replacements (`precompiled_charsmap`), as the tokenizers
 * library applies it: to clusters of characters that a reader sees as one where they are small and in the table, else to each
 * character; of entries that a cluster begins with, the shortest counts, for the whole cluster. @huggingface/tokenizers takes NFKC
 * in its place, which differs.
 * @param base64 a double-array trie (Darts-clone: its bytes as uint32, then its units) from characters to places in the texts after it,
 *   each of which ends with a zero byte
 * @throws TouchstoneError InvalidModel where it is no such table
 */
export function precompiledNormalizer(base64: string, where: string): Normalize {
  const bytes = Buffer.from(base64, "base64");
  const size = bytes.length < 4 ? -1 : bytes.readUInt32LE(0);
  if (size < 4 || size % 4 !== 0 || 4 + size > bytes.length) throw corrupt(where);
  const units = Uint32Array.from({ length: size / 4 }, (_, i) => bytes.readUInt32LE(4 + 4 * i));
  const texts = bytes.subarray(4 + size);
  const known = new Map<string, string | undefined>();
  const replacement = (chunk: string): string | undefined => {
    if (known.has(chunk)) return known.get(chunk);
    const place = shortestPrefix(units, utf8.encode(chunk));
    const end = place === undefined ? -1 : texts.indexOf(0, place);
    if (place !== undefined && end === -1) throw corrupt(where);
    const found = place === undefined ? undefined : texts.toString("utf8", place, end);
    known.set(chunk, found);
    return found;
  };
  const eachCharacter = (chunk: string) =>
    Array.from(chunk, (character) => replacement(character) ?? character).join("");
  const ofCluster = (cluster: string) => {
    const isSmall = Buffer.byteLength(cluster) <= MOST_BYTES;
    return (isSmall ? replacement(cluster) : undefined) ?? eachCharacter(cluster);
  };
  return (text) =>
    text
      .split(ALONE)
      .map((part, i) =>
        i % 2 === 1
          ? eachCharacter(part)
          : Array.from(graphemes.segment(part), ({ segment }) => ofCluster(segment)).join(""),
      )
      .join("");
}

/** The value of the shortest key that the bytes begin with. */
function shortestPrefix(units: Uint32Array, bytes: Uint8Array): number | undefined {
  let at = offsetOf(units[0]);
  for (const byte of bytes) {
    at ^= byte;
    const unit = units[at] ?? 0;
    if (byte === 0 || (unit & 0x800000ff) !== byte) return undefined;
    at ^= offsetOf(unit);
    if ((unit & 0x100) !== 0) return (units[at] ?? 0) & 0x7fffffff;
  }
  return undefined;
}

function offsetOf(unit: number): number {
  return (unit >>> 10) << ((unit & 0x200) >>> 6);
}

function corrupt(where: string): TouchstoneError {
  return new TouchstoneError("InvalidModel", {
    what: "The table of replaced characters (precompiled_charsmap) is corrupt",
    where,
    todo: "Fetch the model's tokenizer files again.",
  });
}

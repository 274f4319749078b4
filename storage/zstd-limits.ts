import { checkSequences, type SequenceTables } from "./zstd-sequences.js";

/** What `zstd --ultra -22` needs, and the most that `zstd -d` takes without being told to. */
const MOST_WINDOW = 2 ** 27;
const MOST_BLOCK = 2 ** 17;
/** The decompressor moves the window for every block: full blocks of the largest window move 1,024 bytes for each they give. */
const MOVED_FREE = 2 ** 32;
const MOVED_A_BYTE = MOST_WINDOW / MOST_BLOCK;

const COMPRESSED = 2;

const MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a5;

/**
 * Looks at the headers of Zstandard's frames and blocks, and at blocks' sequences, before they are decompressed: the decompressor
 * allocates whatever window and size a frame announces, takes none of a dictionary's absence, and copies whatever lengths it finds.
 * Source: RFC 8878, section 3.1.1
 */
export class ZstdLimits {
  /** Bytes of the header that is being read. */
  readonly #header: number[] = [];
  #skip = 0;
  #inFrame = false;
  #window = 0;
  #hasChecksum = false;
  #moved = 0;
  /** Of the compressed block that is being passed. */
  #content: Uint8Array | undefined;
  #tables: SequenceTables = {};
  /** Bytes after it. */
  #checksum = 0;

  /** @param mostContent bytes that a frame may announce */
  constructor(readonly mostContent = Number.MAX_SAFE_INTEGER) {}

  /**
   * @param bytes what follows the bytes of the calls before
   * @param produced bytes decompressed so far
   * @throws RangeError for what is beyond the limits
   */
  check(bytes: Uint8Array, produced: number): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#skip > 0) {
        at += this.#pass(bytes.subarray(at, at + this.#skip));
        continue;
      }
      this.#header.push(bytes[at++]);
      if (this.#inFrame) this.#block(produced);
      else this.#frame();
    }
  }

  /** How many bytes it was. */
  #pass(bytes: Uint8Array): number {
    this.#content?.set(bytes, this.#content.length - this.#skip);
    this.#skip -= bytes.length;
    if (this.#skip === 0 && this.#content !== undefined) {
      checkSequences(this.#content, this.#tables);
      this.#content = undefined;
      this.#skip = this.#checksum;
    }
    return bytes.length;
  }

  #frame(): void {
    if (this.#header.length < 5) return;
    const magic = this.#number(0, 4);
    if (magic >>> 4 === SKIPPABLE) {
      if (this.#header.length === 8) this.#done(this.#number(4, 4));
      return;
    }
    if (magic !== MAGIC) throw new RangeError("this is no Zstandard frame");
    const descriptor = this.#header[4];
    const single = (descriptor >> 5) & 1;
    const dictionary = [0, 1, 2, 4][descriptor & 3];
    const sizeCode = descriptor >> 6;
    const size = sizeCode === 0 ? single : 2 ** sizeCode;
    const at = 6 - single;
    if (this.#header.length < at + dictionary + size) return;
    if (this.#number(at, dictionary) !== 0) throw new RangeError("it needs a Zstandard dictionary");
    const content = this.#number(at + dictionary, size) + (sizeCode === 1 ? 256 : 0);
    const base = 2 ** (10 + (this.#header[5] >> 3));
    this.#window = single === 1 ? content : base + (base / 8) * (this.#header[5] & 7);
    this.#hasChecksum = (descriptor & 4) !== 0;
    if (content > this.mostContent) throw new RangeError(`a Zstandard frame announces ${content} bytes`);
    if (this.#window > Math.max(MOST_WINDOW, single * Math.min(this.mostContent, 2 ** 31)))
      throw new RangeError(
        `a Zstandard frame needs a window of ${this.#window} bytes; at most ${MOST_WINDOW} are given`,
      );
    this.#inFrame = true;
    this.#tables = {};
    this.#done(0);
  }

  #block(produced: number): void {
    if (this.#header.length < 3) return;
    const header = this.#number(0, 3);
    const [type, size] = [(header >> 1) & 3, header >> 3];
    if (size > MOST_BLOCK) throw new RangeError(`a Zstandard block has ${size} bytes`);
    this.#moved += this.#window;
    if (this.#moved > MOVED_FREE + MOVED_A_BYTE * produced)
      throw new RangeError("its Zstandard blocks hold too little");
    this.#inFrame = (header & 1) === 0;
    this.#checksum = this.#inFrame || !this.#hasChecksum ? 0 : 4;
    if (type !== COMPRESSED) {
      this.#done((type === 1 ? 1 : size) + this.#checksum);
      return;
    }
    if (size === 0) throw new RangeError("a compressed Zstandard block is empty");
    this.#content = new Uint8Array(size);
    this.#done(size);
  }

  #done(skip: number): void {
    this.#header.length = 0;
    this.#skip = skip;
  }

  /** Little-endian. */
  #number(at: number, width: number): number {
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + this.#header[at + i];
    return value;
  }
}

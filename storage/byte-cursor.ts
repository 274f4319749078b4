/** A place in bytes that a file's own numbers are read from. */
export interface ByteCursor {
  bytes: Uint8Array;
  at: number;
  /** Said where the bytes don't suffice: "a page ends". */
  readonly ends: string;
}

/** @throws RangeError where there is none */
export function nextByte(cursor: ByteCursor): number {
  if (cursor.at >= cursor.bytes.length) throw endedEarly(cursor);
  return cursor.bytes[cursor.at++];
}

/** @throws RangeError where there are fewer */
export function skipBytes(cursor: ByteCursor, count: number): void {
  cursor.at += count;
  if (cursor.at > cursor.bytes.length) throw endedEarly(cursor);
}

/** A number in groups of seven bits, 64 bits at most. @throws RangeError for a longer one */
export function nextVariable(cursor: ByteCursor): number {
  let value = 0;
  for (let scale = 1, more = true; more; scale *= 128) {
    if (scale > 2 ** 63) throw new RangeError("a number is too long");
    const next = nextByte(cursor);
    value += (next & 127) * scale;
    more = next > 127;
  }
  return value;
}

/** The same, of either sign. */
export function nextZigzag(cursor: ByteCursor): number {
  const value = nextVariable(cursor);
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

function endedEarly({ ends }: ByteCursor): RangeError {
  return new RangeError(`${ends} too early`);
}

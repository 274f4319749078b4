import fc from "fast-check";

/** A change of a file's bytes, at places given as shares of its length. */
type Mutation =
  | { kind: "flip"; at: number; bits: number }
  | { kind: "cut"; at: number }
  | { kind: "number"; at: number; value: bigint }
  | { kind: "copy"; from: number; to: number; length: number };

const share = fc.double({ min: 0, max: 1, noNaN: true });
/** What breaks readers: the edges of signed and unsigned lengths, and small changes of them. */
const lengths = [0n, 1n, 0x7fn, 0xffn, 0x7fff_ffffn, 0xffff_ffffn, 1n << 53n, (1n << 63n) - 1n, (1n << 64n) - 1n];

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({ kind: fc.constant("flip" as const), at: share, bits: fc.integer({ min: 1, max: 255 }) }),
  fc.record({ kind: fc.constant("cut" as const), at: share }),
  fc.record({ kind: fc.constant("number" as const), at: share, value: fc.constantFrom(...lengths) }),
  fc.record({ kind: fc.constant("copy" as const), from: share, to: share, length: fc.integer({ min: 1, max: 64 }) }),
);

export const mutations = fc.array(mutation, { minLength: 1, maxLength: 4 });

export function mutated(original: Uint8Array, changes: readonly Mutation[]): Uint8Array {
  let bytes: Uint8Array = original.slice();
  for (const change of changes) bytes = apply(bytes, change);
  return bytes;
}

function apply(bytes: Uint8Array, change: Mutation): Uint8Array {
  const place = (part: number) => Math.min(bytes.length - 1, Math.floor(part * bytes.length));
  if (bytes.length === 0) return bytes;
  switch (change.kind) {
    case "flip":
      bytes[place(change.at)] ^= change.bits;
      return bytes;
    case "cut":
      return bytes.slice(0, place(change.at));
    case "number": {
      const at = place(change.at) & ~3;
      const width = Math.min(8, bytes.length - at);
      for (let i = 0; i < width; i++) bytes[at + i] = Number((change.value >> BigInt(8 * i)) & 0xffn);
      return bytes;
    }
    case "copy":
      bytes.copyWithin(place(change.to), place(change.from), place(change.from) + change.length);
      return bytes;
  }
}

import { createHash } from "node:crypto";
import canonicalize from "canonicalize";

/** Raised by one whenever a change of code changes results: old results are then never mixed with new ones. */
export const NUMERICS_VERSION = 6;

/** Lower-case hexadecimal SHA-256. */
export function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The identity of whatever `derivation` (plain JSON) determines: SHA-256 of its canonical form (RFC 8785). */
export function identity(derivation: unknown): string {
  const text = canonicalize(derivation);
  if (text === undefined) throw new TypeError("a derivation must be plain JSON");
  return sha256(text);
}

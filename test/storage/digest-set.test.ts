import assert from "node:assert/strict";
import { test } from "node:test";
import { createDigestSet } from "../../storage/digest-set.js";
import { sha256 } from "../../storage/identity.js";

test("it has what was added, at any time and in any order, and nothing else", () => {
  const set = createDigestSet();
  assert.ok(!set.has(sha256("0")));
  const digests = Array.from({ length: 5000 }, (_, i) => sha256(String(i)));
  for (const [i, digest] of digests.entries()) {
    set.add(digest);
    if (i % 500 === 0) assert.ok(set.has(digests[i >> 1]));
  }
  for (const digest of digests) assert.ok(set.has(digest));
  for (let i = 5000; i < 10_000; i++) assert.ok(!set.has(sha256(String(i))));
});

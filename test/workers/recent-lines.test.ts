import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { finished } from "node:stream/promises";
import { test } from "node:test";
import { recentLines } from "../../workers/recent-lines.js";

test("of what a process writes the last ten lines are kept, cut, and without credentials", async () => {
  const stream = new PassThrough();
  const lines = recentLines(stream);
  for (let i = 0; i < 12; i++) stream.write(`line ${i}\n`);
  stream.end(`from https://user:word@host\n${"x".repeat(1000)}\n`);
  await finished(stream);
  assert.deepEqual(lines(), [
    ...Array.from({ length: 8 }, (_, i) => `line ${i + 4}`),
    "from https://[hidden]@host",
    "x".repeat(200),
  ]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { fuzz } from "./fuzz.js";

const inputs = 10_000;

test(`${inputs} broken files of every format: each is read, or one clear error, soon and in bounded memory`, async (t) => {
  let formats = 0;
  for await (const { format, name, refused, findings, ...result } of fuzz({ inputs, seed: 1, from: 0, only: [] })) {
    formats++;
    await t.test(`${format}, ${name}: ${refused} of ${result.inputs} refused`, () => {
      assert.deepEqual(findings, [], `npm run fuzz -- --inputs 1 --from NUMBER --only "${name}"`);
      assert.ok(refused > 0 || name === "GGUF blocks", "nothing is refused: the copies aren't broken");
    });
  }
  assert.ok(formats > 30, `only ${formats}`);
});

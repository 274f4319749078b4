import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { loadFolderTokenizer } from "../../models/tokenizer-load.js";
import { readFile } from "../../storage/files.js";
import type { CellResult } from "../../study/results.js";
import type { StudySpecInput } from "../../study/spec.js";
import { useSystem } from "./harness.js";
import { manifestsOf, outcome } from "./observe.js";
import { dataPath, skip } from "./set-up.js";
import { BLOCKS, smallStudy } from "./small-study.js";

// What must make no difference makes none at all.

const system = useSystem();
const options = { skip, timeout: 240_000 };

async function cellsAfter(spec: StudySpecInput): Promise<CellResult[]> {
  await outcome(await system.touchstone.start(spec));
  const cells = Array.from((await manifestsOf(spec.name, "cell")).values(), ({ facts }) => facts as CellResult);
  return cells.filter(({ method }) => method !== null);
}

test("methods without data give exactly equal figures for every calibration set", options, async () => {
  const spec = smallStudy(system, "controls", {
    methods: [{ method: "rtn" }, { method: "magnitude", pattern: "2:4" }],
    calibration: { sets: 2, sizes: [4] },
    evaluation: { limit: 10 },
  });
  const cells = await cellsAfter(spec);
  for (const label of ["rtn", "magnitude"]) {
    const [one, other, ...more] = cells.filter(({ methodLabel }) => methodLabel === label);
    assert.equal(more.length, 0);
    assert.notEqual(one.calibrationDigest, other.calibrationDigest);
    assert.deepEqual(one.evaluations, other.evaluations);
  }
  // Each cell's blocks were compressed on their own: equal figures are no matter of shared objects.
  assert.equal((await manifestsOf("controls", "block")).size, 4 * BLOCKS);
});

test("the same calibration set under another index is the same blocks, evaluations and figures", options, async () => {
  // Windows of a document of one token more than they have start at token 0 or 1: of three sets, two at least are equal.
  const length = 256;
  const source = join(system.folder, "one-document.jsonl");
  await writeFile(source, `${JSON.stringify({ text: await textOf(length + 1) })}\n`);
  const cells = await cellsAfter(
    smallStudy(system, "same-set", {
      sources: [{ id: "one", path: source }],
      calibration: { length, sizes: [1], sets: 3, reuse: true },
      evaluation: { tasks: [] },
    }),
  );
  assert.equal(cells.length, 3);
  const digests = new Set(cells.map(({ calibrationDigest }) => calibrationDigest));
  assert.ok(digests.size < 3);
  for (const digest of digests) {
    const [first, ...others] = cells.filter((cell) => cell.calibrationDigest === digest);
    for (const other of others) {
      assert.deepEqual([other.evaluations, other.error], [first.evaluations, first.error]);
    }
  }
  assert.equal((await manifestsOf("same-set", "block")).size, digests.size * BLOCKS);
  // The dense model's, and one a set.
  assert.equal((await manifestsOf("same-set", "evaluation")).size, digests.size + 1);
});

/** A text of so many tokens. */
async function textOf(tokens: number): Promise<string> {
  const tokenizer = await loadFolderTokenizer(system.model);
  const text = new TextDecoder().decode(await readFile(dataPath("heldout.txt")));
  const cut = tokenizer.decode(tokenizer.encode(text).subarray(0, tokens));
  assert.equal(tokenizer.encode(cut).length, tokens);
  return cut;
}

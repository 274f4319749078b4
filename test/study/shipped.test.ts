import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { loadSpec } from "../../client/load-spec.js";
import { studyFacts } from "../../client/study-facts.js";
import { checkoutFolder } from "../../storage/home.js";
import { priceStudy } from "../../study/price.js";
import { isGiven } from "../../study/source.js";
import { parseStudySpec } from "../../study/spec.js";

// Nothing of these studies is reached: their price comes from what is known of them.
for (const name of Object.keys(process.env)) if (/^(AWS|S3)_/.test(name)) delete process.env[name];
process.env.TOUCHSTONE_HOME = "/nonexistent";
process.env.TOUCHSTONE_DATA = "/nonexistent";

const folder = join(checkoutFolder, "studies");
const studies = new Map(
  await Promise.all(
    readdirSync(folder).map(async (file) => [file, parseStudySpec(await loadSpec(join(folder, file)))] as const),
  ),
);

const cells = new Map([
  ["quickstart.yaml", 1 + 6 * 3 * 2 + 4 * 2],
  ["miniature.yaml", 1 + 4 * 4 * 3 + 4 * 3],
  ["source.yaml", 6 * (1 + 4 * 5 * 10)],
  ["robustness.yaml", 6 * (1 + 4 * 5 * 10)],
  ["size.yaml", 6 * (1 + 4 * 5 * 10 * 10)],
  ["model-size.yaml", 9 * (1 + 4 * 5 * 10)],
]);

test("the shipped studies are these", () => {
  assert.deepEqual([...studies.keys()].sort(), [...cells.keys()].sort());
});

for (const [file, spec] of studies) {
  test(`${file} has a price, from assumptions that are told`, async () => {
    const { facts, assumptions } = await studyFacts(spec);
    const { total } = priceStudy(spec, facts);
    assert.equal(total.cells, cells.get(file));
    for (const figure of [total.forwardTokens.calibration, total.forwardTokens.evaluation, total.bytes.layers])
      assert.ok(figure > 0);
    assert.equal(`${spec.name}.yaml`, file);
    for (const { id } of spec.models) assert.ok(assumptions.some((text) => text.includes(id)));
  });
}

test("the study of robustness has every task as it is, and as often under each perturbation", async () => {
  const spec = studies.get("robustness.yaml") ?? assert.fail();
  const { tasks } = spec.evaluation;
  const clean = tasks.filter((task) => !task.includes("@"));
  for (const task of clean) assert.equal(tasks.filter((name) => name.startsWith(`${task}@`)).length, 3);
  assert.equal(tasks.length, 4 * clean.length);
  const { facts } = await studyFacts(spec);
  for (const task of clean) assert.equal(facts.evaluationTokens[`${task}@typos:0.1`], facts.evaluationTokens[task]);
});

test("the hardest of several variants costs as many scorings", async () => {
  const spec = studies.get("robustness.yaml") ?? assert.fail();
  const evaluation = { ...spec.evaluation, tasks: ["piqa", "piqa@typos:0.1:worst8"] };
  const { evaluationTokens } = (await studyFacts({ ...spec, evaluation })).facts;
  assert.equal(evaluationTokens["piqa@typos:0.1:worst8"], 8 * evaluationTokens.piqa);
});

test("the paper's studies are in full: ten sets of 2,048 tokens, five sources, their tasks, lambada and WikiText-2", () => {
  for (const name of ["source.yaml", "size.yaml", "model-size.yaml"]) {
    const { calibration, sources, evaluation } = studies.get(name) ?? assert.fail(name);
    assert.deepEqual([calibration.length, calibration.sets, sources.length], [2048, 10, 5]);
    assert.equal(evaluation.tasks.length, 10);
    assert.deepEqual(
      evaluation.perplexity.map(({ id, length }) => [id, length]),
      [["wikitext2", 2048]],
    );
    for (const source of sources) {
      assert.ok(!isGiven(source));
      for (const key of ["dataset", "config", "split", "revision"] as const)
        assert.ok(source[key], `${source.id} ${key}`);
    }
  }
});

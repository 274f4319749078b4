import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { formatCount } from "../../../client/commands/output.js";
import { type Plan, planOf, renderPlan } from "../../../client/commands/study-plan.js";
import { taskNames } from "../../../evaluation/registry.js";
import type { StudySpecInput } from "../../../study/spec.js";
import { exampleInput } from "../../study/example.js";

const folder = mkdtempSync(join(tmpdir(), "touchstone-plan-"));
after(() => rmSync(folder, { recursive: true, force: true }));

function plan(changes: Partial<StudySpecInput> = {}, rate?: number): Promise<Plan> {
  const file = join(folder, "spec.json");
  writeFileSync(file, JSON.stringify(exampleInput({ models: [{ id: "llama-7b", path: "/nowhere" }], ...changes })));
  return planOf(file, rate);
}

test("what can't be reached is assumed, and said", async () => {
  const price = await plan();
  assert.equal(price.name, "example");
  assert.equal(price.total.cells, 1 + 3 * 2 * 2 * 3);
  for (const name of ["llama-7b", "piqa", "text"])
    assert.ok(
      price.assumptions.some((words) => words.includes(name) && words.includes("can't be reached")),
      name,
    );
});

test("a measured rate gives hours", async () => {
  const slow = await plan({}, 10);
  const fast = await plan({}, 20);
  assert.ok(slow.total.hours !== null && slow.total.hours > 0);
  assert.equal(fast.total.hours, slow.total.hours / 2);
  assert.match(renderPlan(slow), / hours$/m);
  assert.doesNotMatch(renderPlan(await plan()), / hours$/m);
});

test("how often auto would keep hidden states is said for each model, and other settings say themselves", async () => {
  const said = async (activations: string, rate?: number) => {
    const calibration: StudySpecInput["calibration"] = { sizes: [128], length: 2048, sets: 1 };
    const { assumptions } = await plan({ calibration, checkpoints: { activations } }, rate);
    return assumptions.find((words) => words.includes("auto")) ?? "";
  };
  assert.match(await said("auto"), /llama-7b every \d+ blocks?/);
  assert.match(await said("auto", 1e12), /llama-7b none/);
  assert.equal(await said("every 4 blocks"), "");
});

test("records and texts that can be reached are counted", async () => {
  const records = Array.from({ length: 5 }, () => ({
    goal: "g".repeat(40),
    sol1: "a".repeat(20),
    sol2: "b".repeat(20),
    label: 0,
  }));
  writeFileSync(join(folder, "piqa.jsonl"), records.map((record) => `${JSON.stringify(record)}\n`).join(""));
  writeFileSync(join(folder, "text.txt"), "t".repeat(4 * 1000));
  const evaluation = {
    tasks: ["piqa"],
    data: folder,
    limit: 3,
    perplexity: [{ id: "text", path: join(folder, "text.txt"), length: 100, limit: 6 }],
  };
  const price = await plan({ evaluation });
  // Three records of 80 characters, at four a token; six windows of 100 tokens.
  assert.equal(price.total.forwardTokens.evaluation, price.total.cells * (60 + 600));
});

test("a group of tasks costs what its tasks do, and a name of none is refused", async () => {
  const evaluate = (tasks: string[]) => plan({ evaluation: { tasks, data: folder } });
  const group = await evaluate(["xcopa"]);
  const all = await evaluate(taskNames.filter((name) => name.startsWith("xcopa_")));
  assert.deepEqual(group.total, all.total);
  assert.ok(group.total.activities > (await evaluate(["xcopa_it"])).total.activities);
  await assert.rejects(evaluate(["xcopas"]), { name: "UnknownTask", message: /xcopa/ });
});

test("windows of tokens are counted as they are", async () => {
  const path = join(folder, "windows.json");
  writeFileSync(path, JSON.stringify({ input_ids: Array.from({ length: 5 }, () => [1, 2, 3, 4]) }));
  const tokensOf = async (limit: number | null) => {
    const { total } = await plan({ evaluation: { perplexity: [{ id: "windows", path, limit }] } });
    return total.forwardTokens.evaluation / total.cells;
  };
  assert.deepEqual([await tokensOf(null), await tokensOf(3)], [20, 12]);
});

for (const [title, changes, name] of [
  ["a task that doesn't exist", { evaluation: { tasks: ["pika"], data: folder } }, "UnknownTask"],
  ["a model of unknown size", { models: [{ id: "mystery", path: "/nowhere" }] }, "UnknownModel"],
] as const) {
  test(`${title} is an error`, async () => {
    await assert.rejects(plan(changes as unknown as Partial<StudySpecInput>), { name });
  });
}

test("counts are short", () => {
  assert.deepEqual([0, 999, 1500, 39_300_000, 1.52e9, 2e12].map(formatCount), [
    "0",
    "999",
    "1.50 k",
    "39.3 M",
    "1.52 G",
    "2.00 T",
  ]);
});

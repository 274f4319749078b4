import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { evaluationDerivation } from "../../activities/derivations.js";
import { steps } from "../../activities/steps.js";
import { expandCells } from "../../study/cells.js";
import { evaluationsOf } from "../../study/plan.js";
import { scratchFolder } from "../models/small-model.js";
import { startS3 } from "../storage/s3-server.js";
import { freshContext, writeStudy } from "./small-study.js";

process.env.TOUCHSTONE_HOME = await scratchFolder();
await startS3();

const definition = (text: string, more: readonly string[] = []) =>
  [
    ...[
      "task: mine",
      "output_type: multiple_choice",
      "test_split: test",
      "fewshot_split: train",
      `doc_to_text: ${text}`,
    ],
    ...["doc_to_choice: [ab, cd]", "doc_to_target: label", ...more],
  ].join("\n");

/** A study whose only evaluation is the task of a YAML file. */
async function planned(name: string, yaml: string, changes: { numFewshot?: number } = {}) {
  const folder = await scratchFolder();
  const file = join(folder, "mine.yaml");
  await writeFile(file, yaml);
  const records = ["abc", "de f", "ghi"].map((text, i) => JSON.stringify({ text, other: `${text} k`, label: i % 2 }));
  await writeFile(join(folder, "mine.jsonl"), records.join("\n"));
  await writeFile(join(folder, "mine.train.jsonl"), records.toReversed().join("\n"));
  const study = await writeStudy({ name, evaluation: { tasks: [file], data: folder, ...changes } });
  const { study: ref } = await steps.planStudy(study, freshContext());
  await rm(file);
  const plan = await freshContext().state.plan(ref);
  const [dense] = expandCells(plan.spec, "model");
  const [evaluation] = evaluationsOf(plan.spec);
  return { ref, plan, dense, evaluation, derivation: evaluationDerivation(plan, dense, null, evaluation) };
}

test("the file's content is in the plan: cells are evaluated where the file is not", async () => {
  const { ref, plan, dense, evaluation } = await planned("file", definition("text"));
  assert.deepEqual(plan.spec.evaluation.tasks, ["mine"]);
  assert.equal(plan.spec.evaluation.definitions?.mine.doc_to_text, "text");
  const result = await steps.evaluate({ study: ref, cell: dense, evaluation }, freshContext());
  assert.deepEqual([result.evaluation.id, result.evaluation.count], ["mine", 3]);
  assert.ok((await steps.evaluate({ study: ref, cell: dense, evaluation }, freshContext())).reused);
});

test("another text of the definition, or other examples, are another evaluation; a comment is not", async () => {
  const first = (await planned("first", definition("text"))).derivation;
  assert.deepEqual((await planned("comment", `# mine\n${definition("text")}`)).derivation, first);
  assert.notDeepEqual((await planned("other", definition("other"))).derivation, first);
  const shots = await planned("shots", definition("text"), { numFewshot: 1 });
  assert.notDeepEqual(shots.derivation, first);
  assert.ok(shots.plan.tasks.mine.examples?.uri.endsWith("mine.train.jsonl"));
});

test("examples that the definition brings need no file when a cell is evaluated", async () => {
  const brought = definition("text", [
    "fewshot_config:",
    "  samples: [{ text: x, label: 0 }, { text: y, label: 1 }]",
  ]).replace("fewshot_split: train\n", "");
  const { ref, dense, evaluation } = await planned("brought", brought, { numFewshot: 1 });
  assert.equal((await steps.evaluate({ study: ref, cell: dense, evaluation }, freshContext())).evaluation.count, 3);
});

test("a mistake in the file is InvalidTask when the study is planned, told with the file and the key", async () => {
  await assert.rejects(planned("mistake", definition("text", ["process_docs: x"])), {
    name: "InvalidTask",
    retryable: false,
    message: /process_docs: is not supported \(.*mine\.yaml\)/,
  });
});

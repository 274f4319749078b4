import assert from "node:assert/strict";
import { test } from "node:test";
import type { StepContext } from "../../activities/step.js";
import { steps } from "../../activities/steps.js";
import { expandCells } from "../../study/cells.js";
import type { EvaluationName } from "../../study/plan.js";
import type { StudySpecInput } from "../../study/spec.js";
import { scratchFolder } from "../models/small-model.js";
import { startS3 } from "../storage/s3-server.js";
import { freshContext, writeStudy } from "./small-study.js";

process.env.TOUCHSTONE_HOME = await scratchFolder();
const server = await startS3();

const lastWord: EvaluationName = { kind: "task", id: "last_word" };
const perplexity: EvaluationName = { kind: "perplexity", id: "text" };

/** The dense cell of a study whose objects lie under `prefix`, and what evaluates it, with the tokens that it says it scores. */
async function begin(name: string, prefix: string, given: StudySpecInput, limit: number | null) {
  const evaluation = { ...given.evaluation, limit };
  const input = { ...given, name, evaluation, checkpoints: { ...given.checkpoints, prefix } };
  const { study } = await steps.planStudy(input, freshContext());
  const [dense] = expandCells((await freshContext().state.plan(study)).spec, "model");
  return async (what: EvaluationName, context = freshContext()) => {
    let tokens = 0;
    const counting: StepContext = {
      ...context,
      report: (progress) => {
        tokens = progress.total;
        context.report(progress);
      },
    };
    const { evaluation: result, reused } = await steps.evaluate({ study, cell: dense, evaluation: what }, counting);
    return { result, reused, tokens };
  };
}

const portionsOf = (prefix: string) =>
  Array.from(server.objects.keys()).filter((key) => key.startsWith(`bucket/${prefix}/v1/scores/`));

test("more records score only those that are new, with the results of all records at once", async () => {
  const given = await writeStudy();
  const one = await (await begin("one", "more", given, 1))(lastWord);
  const all = await (await begin("all", "more", given, null))(lastWord);
  const undisturbed = await (await begin("undisturbed", "elsewhere", given, null))(lastWord);
  assert.ok(one.tokens > 0);
  assert.deepEqual(all.result, undisturbed.result);
  assert.ok(all.tokens < undisturbed.tokens, `${all.tokens} of ${undisturbed.tokens}`);
  // The first record's portion, and that of the others.
  assert.equal(portionsOf("more").length, 2);
});

test("a result that is lost is put together from the stored scores: no token goes through the model", async () => {
  const given = await writeStudy();
  const evaluate = await begin("lost", "lost", given, null);
  const first = await evaluate(perplexity);
  for (const key of server.objects.keys()) if (key.startsWith("bucket/lost/v1/evaluation/")) server.objects.delete(key);
  const again = await evaluate(perplexity);
  assert.ok(first.tokens > 0);
  assert.deepEqual([again.result, again.reused, again.tokens], [first.result, false, 0]);
});

test("tasks of one model that run at a time keep each other's scores", async () => {
  const evaluate = await begin("two", "two", await writeStudy(), null);
  await Promise.all([evaluate(lastWord), evaluate(perplexity)]);
  assert.equal(portionsOf("two").length, 2);
});

test("an altered portion is told by its checksum, and its requests are scored again with the same bits", async () => {
  const given = await writeStudy();
  const evaluate = await begin("altered", "altered", given, null);
  const first = await evaluate(lastWord);
  for (const key of server.objects.keys())
    if (key.startsWith("bucket/altered/v1/evaluation/")) server.objects.delete(key);
  const [portion] = portionsOf("altered");
  server.objects.set(portion, new TextEncoder().encode("{}"));
  await assert.rejects(evaluate(lastWord), (error: Error) => error.name === "CheckpointCorrupt");
  const again = await evaluate(lastWord);
  assert.deepEqual([again.result, again.tokens], [first.result, first.tokens]);
});

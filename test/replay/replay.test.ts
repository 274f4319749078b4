import assert from "node:assert/strict";
import { hostname } from "node:os";
import { before, test } from "node:test";
import { DefaultLogger, Runtime, Worker } from "@temporalio/worker";
import { bundlePath } from "../../infra/bundle-workflows.js";
import { checkoutFolder } from "../../storage/home.js";
import { asLine, ofLine, type RecordedHistory, readHistories } from "./histories.js";

// Studies that began with the code that recorded them go on with the present code (docs/maintainers.md, Changing workflows).

const recorded = await readHistories();
before(() => Runtime.install({ logger: new DefaultLogger("ERROR", () => {}) }));

/** What the present code does otherwise than the histories say. */
async function deviations(histories: readonly RecordedHistory[]): Promise<string[]> {
  const found: string[] = [];
  const options = { workflowBundle: { codePath: bundlePath } };
  for await (const { workflowId, error } of Worker.runReplayHistories(options, histories))
    if (error !== undefined) found.push(`${workflowId}: ${error.message}`);
  return found;
}

for (const [study, histories] of recorded) {
  test(`the study "${study}" is replayed as it was recorded (${histories.length} histories)`, async () => {
    assert.deepEqual(await deviations(histories), []);
  });
}

test("there are histories of all that can happen to a search, a study, its sweeps and its cells", () => {
  const kinds = new Set([...recorded.values()].flat().map(({ type, status }) => `${type} ${status}`));
  const wanted = ["study COMPLETED", "study FAILED", "study CANCELLED", "sweep CONTINUED_AS_NEW", "cell FAILED"];
  for (const kind of [...wanted, "search COMPLETED", "search FAILED", "search CANCELLED"])
    assert.ok(kinds.has(kind), kind);
  const paused = (recorded.get("current/paused") ?? []).map(asLine).join();
  for (const name of ["pause", "resume"]) assert.ok(paused.includes(`"name":"${name}"`), name);
});

test("a cell whose steps come in another order is not taken for the same", async () => {
  const cell = [...recorded.values()].flat().find(({ type, status }) => type === "cell" && status === "COMPLETED");
  assert.ok(cell);
  const changed = asLine(cell).replaceAll('"name":"embedCalibration"', '"name":"evaluate"');
  assert.equal((await deviations([ofLine(changed)])).length, 1);
});

test("the histories hold nothing of the machine that recorded them", () => {
  const text = [...recorded.values()].flat().map(asLine).join();
  for (const secret of [checkoutFolder, `@${hostname()}`]) assert.ok(!text.includes(secret), secret);
});

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { silentProgress } from "../../infra/progress.js";
import { temporalBinary } from "../../infra/temporal.js";
import type { StudyProgress } from "../../study/progress.js";
import { output, until, useSystem } from "./harness.js";
import { outcome } from "./observe.js";
import { dataPath, skip } from "./set-up.js";
import { smallStudy } from "./small-study.js";

// Studies without this project's programs: by the `temporal` command alone.

const system = useSystem();

test("the temporal command starts, queries and controls a study", { skip, timeout: 1_200_000 }, async () => {
  const file = join(system.folder, "spec.json");
  const heldout = { id: "heldout", path: dataPath("heldout.txt"), length: 64, limit: 1 };
  const spec = smallStudy(system, "by-hand", {
    methods: [{ method: "rtn" }],
    calibration: { sizes: [1], length: 16 },
    evaluation: { tasks: [], perplexity: [heldout] },
  });
  await writeFile(file, JSON.stringify(spec));
  const study = ["--workflow-id", "study/by-hand"];
  const sweep = ["--workflow-id", "study/by-hand/m/small"];
  const what = ["--type", "study", "--task-queue", "touchstone", ...study];
  await temporal(["workflow", "start", ...what, "--input-file", file]);
  await update(study, "pause");
  await until("the study runs", 240, async () => (await progress(study)).phase === "running");
  await until("its sweep does", 240, async () => {
    const asked = await progress(sweep).catch(() => undefined);
    return asked?.phase === "running" && asked.paused;
  });

  const skipped = { cell: "small/rtn/sotu-n1-set0", reason: "tried by hand" };
  await update(study, "skipCell", JSON.stringify(skipped));
  await update(sweep, "retryFailed");
  await update(study, "skipCell", JSON.stringify(skipped));
  await update(sweep, "setConcurrency", '{"cells":2}');
  await assert.rejects(update(study, "setConcurrency", '{"cells":0}'), /must be a whole number from 1 to 200/);
  await update(study, "resume");
  assert.equal((await progress(study)).paused, false);
  const handle = system.touchstone.study("by-hand");
  const summary = await outcome(handle, 480);
  assert.deepEqual([summary.cells, summary.skipped], [1, 1]);
  assert.deepEqual((await handle.troubles()).skipped, [skipped]);

  const unskip = join(system.folder, "options.json");
  await writeFile(unskip, JSON.stringify({ unskip: true }));
  await temporal(["workflow", "start", ...what, "--input-file", file, "--input-file", unskip]);
  assert.equal((await outcome(handle, 480)).cells, 2);
});

function update(workflow: readonly string[], name: string, ...inputs: string[]): Promise<string> {
  const input = inputs.flatMap((each) => ["--input", each]);
  return temporal(["workflow", "update", "execute", ...workflow, "--name", name, ...input]);
}

async function progress(workflow: readonly string[]): Promise<StudyProgress> {
  const answer = await temporal(["workflow", "query", ...workflow, "--type", "progress", "--output", "json"]);
  return (JSON.parse(answer) as { queryResult: [StudyProgress] }).queryResult[0];
}

async function temporal(args: readonly string[]): Promise<string> {
  const program = await temporalBinary(silentProgress);
  return output(program, [...args, "--address", process.env.TEMPORAL_ADDRESS ?? ""]);
}

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { silentProgress } from "../../infra/progress.js";
import { temporalBinary } from "../../infra/temporal.js";
import type { StudyProgress } from "../../study/progress.js";
import { output, until, useSystem } from "./harness.js";
import { outcome } from "./observe.js";
import { skip } from "./set-up.js";
import { smallStudy } from "./small-study.js";

// Studies without this project's programs: by the `temporal` command alone.

const system = useSystem();

test("the temporal command starts, queries, pauses and resumes a study", { skip, timeout: 240_000 }, async () => {
  const file = join(system.folder, "spec.json");
  await writeFile(file, JSON.stringify(smallStudy(system, "by-hand", { evaluation: { tasks: [] } })));
  const workflow = ["--workflow-id", "study/by-hand"];
  const what = ["--type", "study", "--task-queue", "touchstone"];
  await temporal(["workflow", "start", ...what, ...workflow, "--input-file", file]);
  await until("the study runs", 60, async () => (await progress()).phase === "running");

  await temporal(["workflow", "update", "execute", ...workflow, "--name", "pause"]);
  assert.equal((await progress()).paused, true);
  await temporal(["workflow", "update", "execute", ...workflow, "--name", "resume"]);
  assert.equal((await progress()).paused, false);
  assert.equal((await outcome(system.touchstone.study("by-hand"))).cells, 2);

  async function progress(): Promise<StudyProgress> {
    const answer = await temporal(["workflow", "query", ...workflow, "--type", "progress", "--output", "json"]);
    return (JSON.parse(answer) as { queryResult: [StudyProgress] }).queryResult[0];
  }
});

async function temporal(args: readonly string[]): Promise<string> {
  const program = await temporalBinary(silentProgress);
  return output(program, [...args, "--address", process.env.TEMPORAL_ADDRESS ?? ""]);
}

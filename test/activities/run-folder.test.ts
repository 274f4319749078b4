import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { withRunFolder } from "../../activities/run-folder.js";
import { homePath } from "../../storage/home.js";
import { scratchFolder } from "../models/small-model.js";

process.env.TOUCHSTONE_HOME = await scratchFolder();

test("a run's folder goes with it, however it ends, and with the next run what died left; what others work in stays", async () => {
  const { pid: ended } = spawnSync("true");
  const [abandoned, foreign] = [homePath("runs", `run-${ended}-a`), homePath("runs", `run-${process.ppid}-b`)];
  for (const folder of [abandoned, foreign]) await mkdir(join(folder, "sets"), { recursive: true });
  let own = "";
  const failing = withRunFolder("runs", async (folder) => {
    own = folder;
    await writeFile(join(folder, "file"), "");
    assert.deepEqual([abandoned, foreign].map(existsSync), [false, true]);
    throw new RangeError("no");
  });
  await assert.rejects(failing, RangeError);
  assert.ok(own !== "" && !existsSync(own));
});

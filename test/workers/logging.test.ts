import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, openSync } from "node:fs";
import { test } from "node:test";

const FULL = "/dev/full";

test("a worker whose log's disk is full goes on without its log", {
  skip: existsSync(FULL) ? undefined : `there is no ${FULL}`,
}, async () => {
  const module = new URL("../../workers/logging.js", import.meta.url).href;
  const program = `
    const { processLog } = await import(${JSON.stringify(module)});
    for (let i = 0; i < 100; i++) processLog().info("a line");
    process.exitCode = 7;
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "ignore", openSync(FULL, "a")],
    timeout: 60_000,
  });
  assert.deepEqual(await once(child, "exit"), [7, null]);
});

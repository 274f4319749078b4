import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { writeJson } from "../../infra/json-file.js";
import { isAlive, ownIdentity, processBirth } from "../../infra/process-identity.js";
import { ensureService, logFile, runningProcess, startProcess, stopProcess } from "../../infra/processes.js";
import { silentProgress } from "../../infra/progress.js";
import { homePath } from "../../storage/home.js";
import { scratchHome } from "./scratch-home.js";

scratchHome();
const sleeper = [process.execPath, "--eval", "console.log('here'); setInterval(() => {}, 1000)"] as const;
const stubborn = [
  process.execPath,
  "--eval",
  "process.on('SIGTERM', () => {}); console.log('here'); setInterval(() => {}, 1000)",
] as const;

async function startAndWait(name: string, command: readonly [string, ...string[]]) {
  const record = await startProcess(name, command, { env: process.env });
  while (!readFileSync(logFile(name), "utf8").includes("here")) await sleep(20);
  return record;
}

test("a process is started once, writes its log, and is stopped", async () => {
  const record = await startAndWait("once", sleeper);
  assert.deepEqual(await startProcess("once", sleeper, { env: process.env }), record);
  assert.equal(await stopProcess("once"), true);
  assert.equal(isAlive(record), false);
  assert.equal(await stopProcess("once"), false);
});

test("a process that ignores the polite signal is ended by force", async () => {
  const record = await startAndWait("stubborn", stubborn);
  assert.equal(await stopProcess("stubborn", 0.3), true);
  assert.equal(isAlive(record), false);
});

test("a process killed from outside counts as ended, and can be started again", async () => {
  const first = await startAndWait("killed", sleeper);
  process.kill(first.pid, "SIGKILL");
  while (isAlive(first)) await sleep(10);
  assert.equal(await runningProcess("killed"), undefined);
  const second = await startProcess("killed", sleeper, { env: process.env });
  assert.notEqual(second.pid, first.pid);
  await stopProcess("killed");
});

test("another process that got the same id later is never touched", async () => {
  const other = spawn(sleeper[0], sleeper.slice(1));
  const pid = other.pid ?? 0;
  const record = { name: "recycled", pid, birth: "an earlier one", version: "", started: "" };
  await writeJson(homePath("run", "recycled.json"), record);
  assert.equal(await runningProcess("recycled"), undefined);
  assert.equal(await stopProcess("recycled"), false);
  assert.notEqual(processBirth(pid), undefined);
  other.kill("SIGKILL");
});

test("a service that ends at once is an error with the end of its log", async () => {
  const start = () =>
    startProcess("broken", [process.execPath, "--eval", "console.error('no such thing')"], { env: process.env });
  await assert.rejects(
    ensureService({ name: "broken", start, ready: async () => false }, silentProgress),
    (error: Error) => error.name === "ServiceUnavailable" && /no such thing/.test(error.message),
  );
});

test("a program that doesn't exist is an error that names it", async () => {
  await assert.rejects(startProcess("absent", ["/nowhere/program"], { env: process.env }), /\/nowhere\/program/);
});

test("this process is alive, and no other is it", () => {
  const own = ownIdentity();
  assert.equal(isAlive(own), true);
  assert.equal(isAlive({ ...own, birth: `${own.birth}0` }), false);
});

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Health, type PollState, serveHealth } from "../../workers/health.js";

const running: PollState = { runState: "RUNNING", workflowPollerState: "POLLING", activityPollerState: "POLLING" };
let states: PollState[] = [];
let server: () => Promise<unknown> = async () => {};
let health: Health;

before(async () => {
  const source = { workers: () => states, reachServer: () => server() };
  health = await serveHealth("127.0.0.1:0", source);
});
after(() => health.close());

async function answers(): Promise<number[]> {
  const ask = async (path: string) => (await fetch(`http://127.0.0.1:${health.port}${path}`)).status;
  return [await ask("/live"), await ask("/ready")];
}

test("a worker that polls and reaches the server is live and ready", async () => {
  states = [running, { ...running, workflowPollerState: "SHUTDOWN" }];
  server = async () => {};
  assert.deepEqual(await answers(), [200, 200]);
});

test("a worker that waits for the server is live, so that nobody ends it, and not ready", async () => {
  states = [running];
  server = async () => Promise.reject(new Error("unavailable"));
  assert.deepEqual(await answers(), [200, 503]);
});

test("a worker that is told to end is live until it has ended", async () => {
  states = [{ ...running, runState: "DRAINING" }];
  server = async () => {};
  assert.deepEqual(await answers(), [200, 503]);
});

test("a worker with a failed poller is neither", async () => {
  states = [running, { ...running, activityPollerState: "FAILED" }];
  server = async () => {};
  assert.deepEqual(await answers(), [503, 503]);
});

test("other addresses don't exist", async () => {
  assert.equal((await fetch(`http://127.0.0.1:${health.port}/`)).status, 404);
});

test("an address that is taken is an error of the settings", async () => {
  const source = { workers: () => states, reachServer: () => server() };
  await assert.rejects(serveHealth(`127.0.0.1:${health.port}`, source), { name: "InvalidSettings" });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { doctor } from "../../infra/doctor.js";
import { serviceEnvironment, status, storeIsConfigured } from "../../infra/services.js";
import { scratchHome } from "./scratch-home.js";

scratchHome();
for (const name of Object.keys(process.env)) if (/^(AWS|S3|TEMPORAL)_/.test(name)) delete process.env[name];
process.env.TEMPORAL_CONFIG_FILE = "/nonexistent.toml";

test("in an empty home everything missing comes with what to do about it", async () => {
  const results = await doctor({ taskQueue: "none", stepQueues: ["none"] });
  const missing = results.filter(({ ok }) => !ok).map(({ check }) => check);
  for (const check of ["temporal", "object store", "worker", "quickstart model", "quickstart texts"])
    assert.ok(missing.includes(check), check);
  for (const { ok, todo, check } of results) assert.ok(ok || todo, `${check} says what to do`);
});

test("before the first start there are no variables and nothing runs", async () => {
  assert.deepEqual(await serviceEnvironment(), {});
  assert.deepEqual(
    (await status()).map(({ state }) => state),
    ["stopped", "stopped", "stopped"],
  );
});

test("services of the user's own are taken as they are", async () => {
  process.env.TEMPORAL_ADDRESS = "temporal.example:7233";
  process.env.S3_ENDPOINT = "https://store.example";
  const [temporal, store] = await status();
  assert.deepEqual(temporal, { name: "temporal", state: "configured", address: "temporal.example:7233" });
  assert.deepEqual(store, { name: "store", state: "configured", address: "https://store.example" });
  assert.deepEqual(await serviceEnvironment(), {});
  delete process.env.TEMPORAL_ADDRESS;
  delete process.env.S3_ENDPOINT;
});

test("AWS credentials alone do not mean Amazon's store; with a bucket they do", () => {
  process.env.AWS_ACCESS_KEY_ID = "id";
  assert.equal(storeIsConfigured(undefined), false);
  process.env.TOUCHSTONE_BUCKET = "mine";
  assert.equal(storeIsConfigured(undefined), true);
  process.env.S3_ENDPOINT = "http://127.0.0.1:1";
  assert.equal(storeIsConfigured("http://127.0.0.1:1"), false, "this home's own endpoint");
});

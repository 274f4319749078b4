import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { writeJson } from "../../infra/json-file.js";
import { clientFor, storeState } from "../../infra/object-store.js";
import { seaweedEnvironment } from "../../infra/seaweedfs.js";
import { down, serviceEnvironment, status, up } from "../../infra/services.js";
import { namespaceState, temporalService } from "../../infra/temporal.js";
import { homePath } from "../../storage/home.js";

// A home of its own on ports of its own, with the programs that the set-up has fetched already.
const programs = homePath("bin");
const home = mkdtempSync(join(tmpdir(), "touchstone-services-"));
process.env.TOUCHSTONE_HOME = home;
for (const name of Object.keys(process.env))
  if (/^(AWS|S3|TEMPORAL|TOUCHSTONE_BUCKET)/.test(name) && name !== "AWS_CA_BUNDLE") delete process.env[name];
process.env.TEMPORAL_CONFIG_FILE = "/nonexistent.toml";
if (existsSync(programs)) symlinkSync(programs, join(home, "bin"));
await writeJson(homePath("services.json"), {
  temporal: { grpc: 27233, ui: 27234, metrics: 27235 },
  seaweedfs: Object.fromEntries(
    ["s3", "s3Grpc", "master", "masterGrpc", "filer", "filerGrpc", "volume", "volumeGrpc", "admin", "adminGrpc"].map(
      (name, i) => [name, 28333 + i],
    ),
  ),
});
after(async () => {
  await down();
  rmSync(home, { recursive: true, force: true });
});

async function storeClient() {
  const environment = await seaweedEnvironment();
  assert.ok(environment);
  return { client: clientFor(environment), environment };
}

const pids = async () => (await status()).map(({ pid }) => pid);

test("up starts both services ready for studies, also when called twice at once", { timeout: 300_000 }, async () => {
  await Promise.all([up(), up()]);
  const started = await pids();
  await up();
  assert.deepEqual(await pids(), started);

  const service = await temporalService();
  assert.ok(service);
  assert.deepEqual(await namespaceState(service), { retentionDays: 7, missingAttributes: [] });
  const { client, environment } = await storeClient();
  assert.deepEqual(await storeState(client, environment.TOUCHSTONE_BUCKET), { conditionalWrites: true });
});

test("the store refuses other credentials, and its own are readable by their owner only", async () => {
  const { environment } = await storeClient();
  const stranger = clientFor({ ...environment, AWS_SECRET_ACCESS_KEY: "guess" });
  await assert.rejects(storeState(stranger, environment.TOUCHSTONE_BUCKET));
  assert.equal(statSync(homePath("credentials.json")).mode & 0o777, 0o600);
  const variables = await serviceEnvironment();
  assert.equal(variables.AWS_SECRET_ACCESS_KEY, environment.AWS_SECRET_ACCESS_KEY);
});

test("what was stored is there after both were killed and started again", { timeout: 120_000 }, async () => {
  const before = await storeClient();
  const object = { Bucket: before.environment.TOUCHSTONE_BUCKET, Key: "kept" };
  await before.client.send(new PutObjectCommand({ ...object, Body: Buffer.alloc(20_000_000, 7) }));
  for (const pid of await pids()) if (pid !== undefined) process.kill(pid, "SIGKILL");
  await up();
  const { client } = await storeClient();
  const { Body } = await client.send(new GetObjectCommand(object));
  assert.deepEqual(Buffer.from((await Body?.transformToByteArray()) ?? []), Buffer.alloc(20_000_000, 7));
});

test("down ends what up has started", { timeout: 120_000 }, async () => {
  assert.deepEqual(await down(), ["temporal", "seaweedfs"]);
  assert.deepEqual(
    (await status()).map(({ state }) => state),
    ["stopped", "stopped", "stopped"],
  );
  assert.deepEqual(await down(), []);
});

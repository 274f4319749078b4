import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import { writeJson } from "../../infra/json-file.js";
import { choosePorts, rememberedPorts } from "../../infra/ports.js";
import { homePath } from "../../storage/home.js";
import { scratchHome } from "./scratch-home.js";

scratchHome();

test("ports are remembered, and only those that others have taken change", async () => {
  assert.equal(await rememberedPorts("temporal"), undefined);
  await writeJson(homePath("services.json"), { temporal: { grpc: 27233, ui: 27333, metrics: 27433 } });
  assert.deepEqual(await choosePorts("temporal"), { grpc: 27233, ui: 27333, metrics: 27433 });

  const other = createServer();
  await new Promise<void>((resolve) => other.listen(27233, "127.0.0.1", resolve));
  const moved = await choosePorts("temporal", 0.1);
  other.close();
  assert.ok(moved.grpc > 27233);
  assert.deepEqual({ ...moved, grpc: 0 }, { grpc: 0, ui: 27333, metrics: 27433 });
  assert.deepEqual(await choosePorts("temporal"), moved);
});

test("a port that its last owner is about to give back is waited for", async () => {
  await writeJson(homePath("services.json"), { temporal: { grpc: 27243, ui: 27343, metrics: 27443 } });
  const dying = createServer();
  await new Promise<void>((resolve) => dying.listen(27243, "127.0.0.1", resolve));
  setTimeout(() => dying.close(), 200);
  assert.equal((await choosePorts("temporal")).grpc, 27243);
});

test("no two ports of a service are the same", async () => {
  const ports = Object.values(await choosePorts("seaweedfs"));
  assert.equal(new Set(ports).size, ports.length);
});

test("a damaged file is an error that says what to do", async () => {
  await writeJson(homePath("services.json"), { temporal: "nonsense" });
  await assert.rejects(rememberedPorts("temporal"), /SetupIncomplete|services\.json.*Delete it/);
});

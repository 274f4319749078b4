import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import { homePath } from "../../infra/home.js";
import { writeJson } from "../../infra/json-file.js";
import { choosePorts, rememberedPorts } from "../../infra/ports.js";
import { scratchHome } from "./scratch-home.js";

scratchHome();

test("ports are remembered, and only those that others have taken change", async () => {
  assert.equal(await rememberedPorts("temporal"), undefined);
  await writeJson(homePath("services.json"), { temporal: { grpc: 27233, ui: 27333, metrics: 27433 } });
  assert.deepEqual(await choosePorts("temporal"), { grpc: 27233, ui: 27333, metrics: 27433 });

  const other = createServer();
  await new Promise<void>((resolve) => other.listen(27233, "127.0.0.1", resolve));
  const moved = await choosePorts("temporal");
  other.close();
  assert.ok(moved.grpc > 27233);
  assert.deepEqual({ ...moved, grpc: 0 }, { grpc: 0, ui: 27333, metrics: 27433 });
  assert.deepEqual(await choosePorts("temporal"), moved);
});

test("no two ports of a service are the same", async () => {
  const ports = Object.values(await choosePorts("seaweedfs"));
  assert.equal(new Set(ports).size, ports.length);
});

test("a damaged file is an error that says what to do", async () => {
  await writeJson(homePath("services.json"), { temporal: "nonsense" });
  await assert.rejects(rememberedPorts("temporal"), /SetupIncomplete|services\.json.*Delete it/);
});

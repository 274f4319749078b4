import assert from "node:assert/strict";
import { test } from "node:test";
import { renderChecks } from "../../../client/commands/doctor.js";
import { renderTable } from "../../../client/commands/output.js";
import { renderStatus } from "../../../client/commands/status.js";

test("columns of a table start under their heads, figures end under them", () => {
  const lines = renderTable(
    ["name", "count"],
    [
      ["a", "1"],
      ["long name", "12345678"],
    ],
    [1],
  ).split("\n");
  assert.deepEqual(lines, ["name          count", "a                 1", "long name  12345678"]);
});

test("the doctor tells what is missing apart from what is merely absent, and what to do about both", () => {
  const page = renderChecks(
    [
      { check: "node", needed: true, ok: true, detail: "Node 20" },
      { check: "temporal", needed: true, ok: false, detail: "it was never started", todo: "Run `touchstone up`." },
      { check: "quickstart texts", needed: false, ok: false, detail: "not fetched", todo: "Fetch them." },
    ],
    false,
  );
  assert.match(page, /^ok +node +Node 20$/m);
  assert.match(page, /^MISSING +temporal +it was never started$/m);
  assert.match(page, /^absent +quickstart texts/m);
  assert.match(page, /temporal: Run `touchstone up`\./);
  assert.match(page, /quickstart texts: Fetch them\./);
  assert.match(page, /missing\.\n$/);
});

test("the status says whose a service is, where it is, and where its log lies", () => {
  const page = renderStatus([
    { name: "temporal", state: "configured", address: "temporal.example:7233" },
    { name: "store", state: "running", address: "http://127.0.0.1:8333", pid: 42, log: "/home/logs/seaweedfs.log" },
    { name: "worker", state: "stopped" },
  ]);
  assert.match(page, /^temporal +your own +temporal\.example:7233$/m);
  assert.match(page, /^store +running +http:\/\/127\.0\.0\.1:8333 +42 +\/home\/logs\/seaweedfs\.log$/m);
  assert.match(page, /^worker +stopped$/m);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { createLiveReports } from "../../activities/live-reports.js";
import { memoryStore } from "../storage/memory-store.js";

const ALWAYS = { pauseMs: 0, factor: 0 };
const RARELY = { pauseMs: 1e9, factor: 0 };

function counter() {
  let count = 0;
  return {
    count: () => count,
    report: async () => {
      count += 1;
    },
  };
}

test("the first cell's report is written, and the next ones not before the pause is over", async () => {
  const { store } = memoryStore();
  const { count, report } = counter();
  const rare = createLiveReports(RARELY);
  assert.equal(await rare.write(store, "a", report), true);
  assert.equal(await rare.write(store, "a", report), false);
  // Each study has a pause of its own.
  assert.equal(await rare.write(store, "b", report), true);
  const always = createLiveReports(ALWAYS);
  assert.equal(await always.write(store, "c", report), true);
  assert.equal(await always.write(store, "c", report), true);
  assert.equal(count(), 4);
});

test("the pause grows with the time that a report takes", async () => {
  const { store } = memoryStore();
  const slow = createLiveReports({ pauseMs: 0, factor: 1e6 });
  const report = () => new Promise<void>((done) => setTimeout(done, 5));
  assert.equal(await slow.write(store, "a", report), true);
  assert.equal(await slow.write(store, "a", report), false);
});

test("a process that finds another's stamp leaves the report to it, once", async () => {
  const { store } = memoryStore();
  const [one, other] = [createLiveReports(ALWAYS), createLiveReports(ALWAYS)];
  const { count, report } = counter();
  assert.equal(await one.write(store, "a", report), true);
  assert.equal(await other.write(store, "a", report), true);
  assert.equal(await one.write(store, "a", report), false);
  assert.equal(await one.write(store, "a", report), true);
  assert.equal(count(), 3);
});

test("no two reports of a study are written at once, and one that fails is told and waits like others", async () => {
  const { store } = memoryStore();
  const reports = createLiveReports(RARELY);
  let inner: boolean | undefined;
  await assert.rejects(
    reports.write(store, "a", async () => {
      inner = await reports.write(store, "a", async () => {});
      throw new RangeError("no");
    }),
    RangeError,
  );
  assert.equal(inner, false);
  assert.equal(await reports.write(store, "a", async () => {}), false);
});

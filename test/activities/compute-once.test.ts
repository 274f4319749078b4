import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { computeOnce } from "../../activities/compute-once.js";
import { memoryStore } from "../storage/memory-store.js";

const times = { beatMs: 5, patienceMs: 200 };

/** What several ask for at once, in one store. */
function setting(milliseconds: number) {
  const { store, objects } = memoryStore();
  let result: string | undefined;
  const state = { computed: 0, waited: 0, failing: false };
  const work = {
    find: async () => result,
    compute: async () => {
      state.computed++;
      await sleep(milliseconds);
      if (state.failing) {
        state.failing = false;
        throw new Error("failed");
      }
      result = "result";
      return result;
    },
  };
  const controller = new AbortController();
  const context = { signal: controller.signal, report: () => void state.waited++ };
  const ask = () => computeOnce(store, "key", work, context, times);
  return { ask, state, objects, controller };
}

test("what several want at once is computed once, however long it takes, and the others say that they wait", async () => {
  const { ask, state, objects } = setting(3 * times.patienceMs);
  assert.deepEqual(await Promise.all([ask(), ask(), ask()]), ["result", "result", "result"]);
  assert.equal(state.computed, 1);
  assert.ok(state.waited > 2);
  assert.equal(objects.size, 0, "no lease is left");
});

test("a holder that died is waited for no longer than it shows no sign", async () => {
  const { ask, state, objects } = setting(1);
  objects.set("v1/lease/key", new TextEncoder().encode("dead 7"));
  assert.equal(await ask(), "result");
  assert.equal(state.computed, 1);
  assert.equal(objects.size, 0);
});

test("where computing fails, one of those that wait computes", async () => {
  const { ask, state } = setting(20);
  state.failing = true;
  const outcomes = await Promise.allSettled([ask(), ask()]);
  assert.deepEqual(outcomes.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
  assert.equal(state.computed, 2);
});

test("who waits and is aborted ends at once", async () => {
  const { ask, state, objects, controller } = setting(1);
  objects.set("v1/lease/key", new TextEncoder().encode("alive"));
  const waiting = ask();
  controller.abort();
  await assert.rejects(waiting, { name: "AbortError" });
  assert.equal(state.computed, 0);
});

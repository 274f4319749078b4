import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createTurns } from "../../activities/turns.js";

const never = new AbortController().signal;

test("work never overlaps, keeps its order, and goes on after work that fails", async () => {
  const turns = createTurns();
  const order: string[] = [];
  const work = (name: string) => async () => {
    order.push(`${name} begins`);
    await sleep(5);
    order.push(`${name} ends`);
    if (name === "b") throw new Error("b failed");
    return name;
  };
  const results = await Promise.allSettled(["a", "b", "c"].map((name) => turns.run(work(name), never)));
  assert.deepEqual(
    order,
    ["a", "b", "c"].flatMap((name) => [`${name} begins`, `${name} ends`]),
  );
  assert.deepEqual(
    results.map(({ status }) => status),
    ["fulfilled", "rejected", "fulfilled"],
  );
});

test("what waits and is aborted ends at once and never runs; what runs is run to its end, and the next waits for it", async () => {
  const turns = createTurns();
  const order: string[] = [];
  const [running, waiting] = [new AbortController(), new AbortController()];
  const first = turns.run(async () => {
    await sleep(30);
    order.push("first ends");
  }, running.signal);
  const second = turns.run(async () => {
    order.push("second");
  }, waiting.signal);
  const third = turns.run(async () => {
    order.push("third");
  }, never);
  assert.equal(turns.idle, false);
  waiting.abort();
  await assert.rejects(second, { name: "AbortError" });
  running.abort();
  assert.deepEqual(order, []);
  await Promise.all([first, third]);
  assert.deepEqual(order, ["first ends", "third"]);
  assert.equal(turns.idle, true);
});

import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { withLock } from "../../infra/lock.js";
import { homePath } from "../../storage/home.js";
import { scratchHome } from "./scratch-home.js";

scratchHome();

test("work under one lock never overlaps, and the lock is gone afterwards", async () => {
  let inside = 0;
  const work = async () => {
    assert.equal(++inside, 1);
    await sleep(30);
    inside--;
  };
  await Promise.all([withLock("one", work), withLock("one", work), withLock("one", work)]);
  assert.equal(existsSync(homePath("run", "one.lock")), false);
});

test("the lock is given back when the work fails", async () => {
  await assert.rejects(
    withLock("fails", () => Promise.reject(new Error("no"))),
    /no/,
  );
  assert.equal(await withLock("fails", async () => 1), 1);
});

for (const [name, content] of [
  ["a process that has died", JSON.stringify({ pid: process.pid, birth: "long ago" })],
  ["nobody, since it is damaged", "{"],
]) {
  test(`a lock held by ${name} is taken over`, async () => {
    mkdirSync(homePath("run"), { recursive: true });
    writeFileSync(homePath("run", "stale.lock"), content);
    assert.equal(await withLock("stale", async () => "mine", 5), "mine");
  });
}

test("waiting for a lock ends with an error that says where it is", async () => {
  await withLock("held", async () => {
    await assert.rejects(
      withLock("held", async () => {}, 0.1),
      /ServiceUnavailable|held\.lock/,
    );
  });
});

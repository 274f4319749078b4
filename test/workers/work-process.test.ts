import assert from "node:assert/strict";
import { test } from "node:test";
import { startWorkProcess } from "../../workers/work-process.js";

const start = () =>
  startWorkProcess<number | "refuse" | "die", number, string>(new URL("./fake-work-process.js", import.meta.url), 1, {
    what: "The doubling process has ended",
    todo: "Try again.",
  });

test("a process does one piece of work after the other, tells how far it is, and leaves when it is let", async () => {
  const child = start();
  const told: string[] = [];
  assert.equal(await child.run(21, (words) => told.push(words)), 42);
  await assert.rejects(child.run("refuse"), { name: "InvalidData", message: /not this one/ });
  assert.equal(await child.run(4), 8);
  assert.deepEqual(told, ["doubling 21"]);
  await child.leave();
  await assert.rejects(child.run(1), { name: "ComputeCrashed", message: /The doubling process has ended \(0\)/ });
});

test("the end of a process that has work is an error that says how it ended, and leaving one that ended waits for nothing", async () => {
  const child = start();
  await assert.rejects(child.run("die"), { name: "ComputeCrashed", message: /has ended \(SIGKILL\).*Try again/ });
  await child.leave();
});

test("a process that is killed is gone", async () => {
  const child = start();
  assert.equal(await child.run(1), 2);
  child.kill();
  await assert.rejects(child.run(2), { name: "ComputeCrashed" });
});

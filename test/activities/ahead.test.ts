import assert from "node:assert/strict";
import { test } from "node:test";
import { createAhead, type Listener } from "../../activities/ahead.js";

const listener = (): Listener => ({ signal: new AbortController().signal, report: () => {} });

test("what was begun is taken once, by its key alone", async () => {
  const ahead = createAhead<string>(() => {});
  ahead.begin("block 1", async () => "solved");
  assert.equal(await ahead.take("block 2", listener()), undefined);
  assert.equal(await ahead.take("block 1", listener()), "solved");
  assert.equal(await ahead.take("block 1", listener()), undefined);
});

test("a result that waits to be taken is not driven out by another", async () => {
  const ahead = createAhead<string>(() => assert.fail("nothing is dropped"));
  ahead.begin("a", async () => "a");
  ahead.begin("b", async () => "b");
  assert.equal(await ahead.take("b", listener()), undefined);
  assert.equal(await ahead.take("a", listener()), "a");
  ahead.begin("b", async () => "b");
  assert.equal(await ahead.take("b", listener()), "b");
});

test("one that nobody asks for is aborted and disposed when its time is over and another begins", async (context) => {
  context.mock.timers.enable({ apis: ["Date"] });
  const disposed: string[] = [];
  const ahead = createAhead<string>((result) => disposed.push(result));
  let signal: AbortSignal | undefined;
  ahead.begin("a", async (own) => {
    signal = own.signal;
    return "a";
  });
  await Promise.resolve();
  context.mock.timers.setTime(3_600_000);
  ahead.begin("b", async () => "b");
  assert.equal(await ahead.take("b", listener()), "b");
  assert.equal(signal?.aborted, true);
  assert.deepEqual(disposed, ["a"]);
});

test("a failure is nobody's: the step computes, and fails, itself", async () => {
  const ahead = createAhead<string>(() => {});
  ahead.begin("a", async () => {
    throw new Error("NaN");
  });
  assert.equal(await ahead.take("a", listener()), undefined);
});

test("who takes a result hears of its progress, and ends it by ending", async () => {
  const ahead = createAhead<string>(() => {});
  const stages: string[] = [];
  let proceed = () => {};
  const taken = new Promise<void>((resolve) => {
    proceed = resolve;
  });
  ahead.begin("a", async ({ signal, report }) => {
    report({ stage: "before anybody asks", done: 0, total: 1 });
    await taken;
    report({ stage: "compressing", done: 0, total: 1 });
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    signal.throwIfAborted();
    return "never";
  });
  await new Promise(setImmediate);
  const step = new AbortController();
  const result = ahead.take("a", { signal: step.signal, report: ({ stage }) => stages.push(stage) });
  proceed();
  setImmediate(() => step.abort());
  assert.equal(await result, undefined);
  assert.deepEqual(stages, ["compressing"]);
});

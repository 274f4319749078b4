import assert from "node:assert/strict";
import { test } from "node:test";
import { createAhead, type Listener } from "../../activities/ahead.js";

const done = Promise.resolve();
const listener = (): Listener => ({ signal: new AbortController().signal, report: () => {} });

test("what was begun is taken once, by its key alone", async () => {
  const ahead = createAhead<string>(() => {});
  ahead.begin("block 1", done, async () => "solved");
  assert.equal(await ahead.take("block 2", listener()), undefined);
  assert.equal(await ahead.take("block 1", listener()), "solved");
  assert.equal(await ahead.take("block 1", listener()), undefined);
});

test("a result that waits to be taken is not driven out by another", async () => {
  const ahead = createAhead<string>(() => assert.fail("nothing is dropped"));
  ahead.begin("a", done, async () => "a");
  ahead.begin("b", done, async () => "b");
  assert.equal(await ahead.take("b", listener()), undefined);
  assert.equal(await ahead.take("a", listener()), "a");
  ahead.begin("b", done, async () => "b");
  assert.equal(await ahead.take("b", listener()), "b");
});

test("one that nobody asks for is aborted and disposed some time after its step's end, and makes room", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const disposed: string[] = [];
  const ahead = createAhead<string>((result) => disposed.push(result));
  let signal: AbortSignal | undefined;
  let end = () => {};
  const step = new Promise<void>((resolve) => {
    end = resolve;
  });
  ahead.begin("a", step, async (own) => {
    signal = own.signal;
    return "a";
  });
  context.mock.timers.tick(3_600_000);
  await new Promise(setImmediate);
  assert.equal(signal?.aborted, false, "its step may take its time");
  end();
  await new Promise(setImmediate);
  context.mock.timers.tick(60_000);
  await new Promise(setImmediate);
  assert.equal(signal?.aborted, true);
  assert.deepEqual(disposed, ["a"]);
  ahead.begin("b", done, async () => "b");
  assert.equal(await ahead.take("b", listener()), "b");
});

test("one whose step fails is dropped at once", async () => {
  const disposed: string[] = [];
  const ahead = createAhead<string>((result) => disposed.push(result));
  ahead.begin("a", Promise.reject(new Error("cancelled")), async () => "a");
  await new Promise(setImmediate);
  assert.equal(await ahead.take("a", listener()), undefined);
  assert.deepEqual(disposed, ["a"]);
});

test("a failure is nobody's: the step computes, and fails, itself", async () => {
  const ahead = createAhead<string>(() => {});
  ahead.begin("a", done, async () => {
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
  ahead.begin("a", done, async ({ signal, report }) => {
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

test("what is dropped is aborted, and disposed when the drop resolves", async () => {
  const disposed: string[] = [];
  const ahead = createAhead<string>((result) => disposed.push(result));
  await ahead.drop();
  ahead.begin("a", done, async ({ signal }) => {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    return "a";
  });
  await new Promise(setImmediate);
  await ahead.drop();
  assert.deepEqual(disposed, ["a"]);
  assert.equal(await ahead.take("a", listener()), undefined);
});

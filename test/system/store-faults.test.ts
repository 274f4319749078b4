import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { type Fault, openStoreProxy, type StoreProxy } from "./fault-proxy.js";
import { currentWorker, startWorker, until, useSystem } from "./harness.js";
import { assertWhole, inTheMiddleOf, outcome, repeated, resultsOf } from "./observe.js";
import { skip } from "./set-up.js";
import { compressedCells, quickStudy } from "./small-study.js";

// Between the worker and the store is a network that fails. Whatever the store does: the study finishes, with the bits of a study
// that nothing disturbed, and without using up attempts.

let proxy: StoreProxy;
let undisturbed: Record<string, unknown>;
const system = useSystem({
  worker: false,
  minutes: 12,
  prepare: async () => {
    proxy = await openStoreProxy(process.env.S3_ENDPOINT ?? "");
    await workerBehindProxy();
    await outcome(await system.touchstone.start(quickStudy(system, "undisturbed")), 600);
    undisturbed = await resultsOf("undisturbed");
  },
});
after(() => proxy?.close());

const options = { skip, timeout: 900_000 };

/** One that gives up a silent store sooner than others do. */
async function workerBehindProxy(environment: Record<string, string> = {}): Promise<void> {
  await startWorker([], { S3_ENDPOINT: proxy.endpoint, TOUCHSTONE_STORE_SILENCE: "2", ...environment });
}

/** Disturbs in the middle of the third block, and compares with the undisturbed study. */
async function disturb(name: string, work: (cell: string) => Promise<unknown>): Promise<string> {
  const spec = quickStudy(system, name);
  const [cell] = compressedCells(spec);
  const study = await system.touchstone.start(spec);
  await inTheMiddleOf(system.temporal, { workflowId: cell, step: "compressBlock", from: 4 });
  await work(cell);
  await outcome(study, 600);
  proxy.fault = undefined;
  assert.deepEqual(await resultsOf(name), undisturbed);
  await assertWhole(name);
  return cell;
}

/** What the log of the worker says so far. */
const log = () => readFileSync(currentWorker().log, "utf8");
const waits = () => log().split("waiting for the object store").length - 1;

const outages: Record<string, Fault> = {
  "refuses connections": { kind: "refuse" },
  "takes requests and says nothing, its connections half open": { kind: "hang" },
  "answers 503 SlowDown to everything": { kind: "answer", status: 503, code: "SlowDown" },
};
for (const [i, [what, fault]] of Object.entries(outages).entries()) {
  test(`a store that ${what} is waited for, without another attempt`, options, async () => {
    const before = waits();
    const cell = await disturb(`outage-${i}`, async () => {
      proxy.fault = () => fault;
      await until("the step waits", 120, () => waits() > before);
      proxy.fault = undefined;
    });
    assert.equal(await repeated(system.temporal, cell, "compressBlock"), 0);
  });
}

/** Of 16 requests so many fail: the client of AWS has a quota of retries, and with many more steps wait and go on again and again. */
const FAILURES: readonly Fault[] = [
  { kind: "answer", status: 500, code: "InternalError" },
  { kind: "answer", status: 503, code: "SlowDown" },
  { kind: "reset" },
  { kind: "refuse" },
];

test(
  "a slow store that errs, resets connections and cuts answers in every fourth request is lived with",
  options,
  async () => {
    let failed = 0;
    // Not in turns: a step with a whole number of turns of requests would meet the same faults each time that it is tried.
    const random = xoroshiro128plus(1);
    const cell = await disturb("flaky", async () => {
      proxy.fault = () => {
        const drawn = uniformInt(random, 0, 15);
        if (drawn < FAILURES.length) failed++;
        return FAILURES[drawn] ?? (drawn < 8 ? { kind: "delay", ms: 300 } : undefined);
      };
    });
    assert.ok(failed >= 5, `only ${failed} requests failed`);
    assert.equal(await repeated(system.temporal, cell, "compressBlock"), 0);
  },
);

test(
  "a store and a worker that die between a block's objects and its manifest: the block is made again",
  options,
  async () => {
    let died = false;
    const cell = await disturb("uncommitted", async () => {
      const dying = new Promise<void>((resolve) => {
        proxy.fault = ({ method, path }) => {
          if (method === "PUT" && path.includes("/v1/block/") && !died) {
            died = true;
            resolve();
          }
          return died ? { kind: "refuse" } : undefined;
        };
      });
      await dying;
      currentWorker().kill("SIGKILL");
      await currentWorker().ended;
      proxy.fault = undefined;
      await workerBehindProxy();
    });
    assert.equal(await repeated(system.temporal, cell, "compressBlock"), 1, "the block without a manifest");
  },
);

test(
  "the workers' clock jumps by hours, forward and back: nothing is given up, and the store takes their requests",
  options,
  async () => {
    const clock = join(system.folder, "clock");
    const jump = (hours: number) => writeFileSync(clock, String(hours * 3_600_000));
    jump(0);
    currentWorker().kill("SIGKILL");
    await currentWorker().ended;
    const preload = new URL("./shifted-clock.js", import.meta.url).href;
    await workerBehindProxy({ NODE_OPTIONS: `--import ${preload}`, SHIFTED_CLOCK: clock });
    const cell = await disturb("clock", async (id) => {
      jump(7);
      await sleep(1000);
      await inTheMiddleOf(system.temporal, { workflowId: id, step: "compressBlock", from: 6 });
      jump(-5);
      await sleep(1000);
      jump(0);
    });
    assert.equal(await repeated(system.temporal, cell, "compressBlock"), 0);
  },
);

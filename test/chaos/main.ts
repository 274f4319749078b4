import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Command, Option } from "commander";
import { parseCount } from "../../client/commands/parse-count.js";
import { up } from "../../infra/services.js";
import { openStore } from "../../storage/store.js";
import { TouchstoneError } from "../../study/errors.js";
import type { StudySpecInput } from "../../study/spec.js";
import { startWorker, until, useSystem } from "../system/harness.js";
import { assertWhole, manifestsOf, outcome, resultsOf } from "../system/observe.js";
import { skip } from "../system/set-up.js";
import { quickStudy } from "../system/small-study.js";
import { faults } from "./faults.js";
import { computeProcesses, createWorld, type World } from "./world.js";

// `npm run chaos -- --minutes 30 --seed 1`: random faults over real studies on two workers. At the end nothing is lost or changed.

const { minutes, seed } = new Command("chaos")
  .description("disturb real studies on two workers by random faults, and look that nothing is lost or changed")
  .option("--minutes <count>", "of faults", parseCount, 30)
  .addOption(
    new Option("--seed <text>", "of all that happens").default(String(Date.now() % 100_000), "another each time"),
  )
  .parse()
  .opts<{ minutes: number; seed: string }>();

const PAUSE_SECONDS = 8;
/** For what is still to be done when the faults are over. */
const LAST_MINUTES = 30;

let world: World | undefined;
let undisturbed: Record<string, unknown>;
const system = useSystem({
  worker: false,
  minutes: 15,
  prepare: async () => {
    const worker = await startWorker();
    await outcome(await system.touchstone.start(studyOf("undisturbed")), 800);
    undisturbed = await resultsOf("undisturbed");
    worker.kill("SIGTERM");
    await worker.ended;
    world = await createWorld(system, seed);
    world.workers.push(await world.newWorker(), await world.newWorker());
  },
});
after(() => {
  world?.store.close();
  world?.network.close();
});

function studyOf(name: string): StudySpecInput {
  return quickStudy(system, name, {
    methods: [{ method: "gptq" }, { method: "wanda" }, { method: "rtn" }],
    calibration: { sets: 3 },
    evaluation: { tasks: ["piqa"], limit: 20 },
    concurrency: { cells: 3 },
  });
}

test(`random faults for ${minutes} minutes`, { skip, timeout: (minutes + 2 * LAST_MINUTES) * 60_000 }, async () => {
  const there = world as World;
  say(`seed ${seed}`);
  const over = performance.now() + minutes * 60_000;
  let hasFailed = false;
  const studies = runStudies(there, () => performance.now() > over);
  studies.catch(() => {
    hasFailed = true;
  });
  const list = await causeFaults(there, () => hasFailed || performance.now() > over);
  await up();
  const names = await studies;
  for (const name of names) await check(there, name);

  for (const worker of there.workers) worker.kill("SIGTERM");
  await until("no process is left", 150, async () => (await computeProcesses(there)).length === 0);
  say(`${list.length} faults over ${names.length} studies, seed ${seed}; nothing was lost or changed`);
  for (const name of Object.keys(faults)) say(`  ${list.filter((each) => each === name).length} x ${name}`);
});

/** One fault after another, by the seed. @returns their names, in order */
async function causeFaults(there: World, isOver: () => boolean): Promise<string[]> {
  const names = Object.keys(faults);
  const caused: string[] = [];
  while (!isOver()) {
    await sleep((1 + there.random(PAUSE_SECONDS)) * 1000);
    const name = names[there.random(names.length)];
    try {
      const detail = await faults[name](there);
      caused.push(name);
      say(`${caused.length}. ${name}: ${detail}`);
    } catch (error) {
      // The study may have ended just now, or a service be away.
      say(`   ${name} was not possible: ${(error as Error).message}`);
    }
  }
  return caused;
}

/** Studies one after another, each started again until it is done. @returns their names */
async function runStudies(there: World, isOver: () => boolean): Promise<string[]> {
  const names: string[] = [];
  do {
    there.study = `chaos-${names.length + 1}`;
    names.push(there.study);
    await finish(there.study);
    say(`   ${there.study} is done`);
  } while (!isOver());
  return names;
}

/** Cells that failed for good (four crashes of one step, say) are tried again by starting again, as an operator would. */
async function finish(name: string): Promise<void> {
  const deadline = performance.now() + (minutes + LAST_MINUTES) * 60_000;
  for (;;) {
    try {
      await outcome(await system.touchstone.start(studyOf(name)), LAST_MINUTES * 60);
      return;
    } catch (error) {
      const again =
        error instanceof TouchstoneError && (error.retryable || ["Cancelled", "StudyIncomplete"].includes(error.type));
      if (!again || performance.now() > deadline) throw error;
      say(`   ${name} ended with ${error.type}, and is started again`);
      await sleep(1000);
    }
  }
}

/**
 * Each cell was committed once, and all results are those of the undisturbed study. Altered blocks that nobody needed since are
 * found when the evaluations are made again.
 */
async function check(there: World, name: string): Promise<void> {
  const cells = Array.from((await manifestsOf(name, "cell")).keys());
  assert.equal(cells.length, new Set((await manifestsOf("undisturbed", "cell")).keys()).size, `cells of ${name}`);
  const commits = cells.map((key) => there.store.stored(`${name}/v1/cell/${key}.json`));
  assert.deepEqual(new Set(commits), new Set([1]), `commits of each cell of ${name}`);
  if (Array.from(there.altered).some((key) => key.startsWith(`${name}/`))) {
    const store = openStore({ bucket: process.env.TOUCHSTONE_BUCKET ?? "", prefix: name });
    for (const kind of ["evaluation", "cell", "activations", "scores"])
      for (const key of await store.list(`v1/${kind}/`)) await store.remove(key);
    const workers = there.workers.splice(0, 2, await there.newWorker(), await there.newWorker());
    for (const worker of workers) worker.kill("SIGKILL");
    await finish(name);
  }
  assert.deepEqual(await resultsOf(name), undisturbed, name);
  await assertWhole(name);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
// As programs import it, through the package's own exports.
import { type StudyView, Touchstone } from "touchstone/client";
import type { StudyResults } from "../../study/results.js";
import { currentWorker, freshWorker, startWorker, useSystem } from "./harness.js";
import { manifestsOf, outcome, within } from "./observe.js";
import { skip } from "./set-up.js";
import { BLOCKS, smallStudy } from "./small-study.js";

// The typed client: a study from its start to its report, and one clear error for each thing that goes wrong.

const system = useSystem();
const options = { skip, timeout: 180_000 };
const evaluation = { tasks: [] };
/** Several studies, one after another. */
const patient = { skip, timeout: 600_000 };

async function connect(): Promise<Touchstone> {
  const touchstone = await Touchstone.connect();
  after(() => touchstone.close());
  return touchstone;
}

test("a program starts a study, watches, pauses and resumes it, and gets its result and report", options, async () => {
  const touchstone = await connect();
  const tasks = ["piqa", "piqa@typos:0.2", "piqa@case:0.5:worst2"];
  const spec = smallStudy(system, "program", { evaluation: { tasks, limit: 10 } });
  const study = await touchstone.start(spec);
  const views: StudyView[] = [];
  let paused = false;
  for await (const view of study.watch({ seconds: 0.2 })) {
    views.push(view);
    if (paused || view.cells.length === 0) continue;
    await study.pause();
    assert.equal((await study.progress()).paused, true);
    await study.resume();
    paused = true;
  }
  const last = views.at(-1);
  assert.deepEqual([last?.phase, last?.paused, last?.done, last?.total], ["done", false, 2, 2]);
  assert.ok(
    views.some(({ cells }) => cells.some(({ blocks, block }) => block < blocks)),
    "blocks are seen to advance",
  );
  assert.ok(
    views.every(({ done }, i) => i === 0 || done >= views[i - 1].done),
    "done never falls",
  );

  const result = await study.result();
  assert.deepEqual([result.name, result.cells, result.failed], ["program", 2, 0]);
  const folder = join(system.folder, "report");
  assert.equal(await study.report(folder), join(folder, "index.html"));
  for (const name of ["index.html", "report.csv", "report.json"]) assert.ok((await stat(join(folder, name))).size > 0);
  const report = JSON.parse(await readFile(join(folder, "report.json"), "utf8")) as { results: StudyResults };
  assert.equal(report.results.cells.length, 2);
  for (const { evaluations } of report.results.cells) {
    assert.deepEqual(evaluations.map(({ id }) => id).sort(), ["heldout", ...tasks].sort());
  }
  assert.match(await readFile(join(folder, "index.html"), "utf8"), /Accuracy lost under all perturbations/);
  assert.match(result.summary, /accuracy lost under perturbed inputs/);
  const listed = [];
  for await (const found of touchstone.list()) listed.push(found.name);
  assert.ok(listed.includes("program"));
});

test("a study that nobody started is unknown, whatever is asked of it", options, async () => {
  const study = (await connect()).study("nobody");
  const asked = [
    () => study.progress(),
    () => study.result(),
    () => study.pause(),
    () => study.cancel(),
    () => study.report(system.folder),
  ];
  for (const ask of asked) await assert.rejects(within<unknown>(20_000, ask()), { name: "UnknownStudy" });
});

test("a wrong specification is refused before anything starts", options, async () => {
  const touchstone = await connect();
  const spec = { ...smallStudy(system, "misspelt"), calibratoin: {} };
  await assert.rejects(touchstone.start(spec), { name: "InvalidStudySpec", message: /calibratoin.*calibration/ });
  await assert.rejects(touchstone.study("misspelt").progress(), { name: "UnknownStudy" });
});

test(
  "a study is extended after its end and computes what is new; what changes its meaning is refused, running or not",
  patient,
  async () => {
    const touchstone = await connect();
    const spec = smallStudy(system, "grown", { methods: [{ method: "rtn" }], evaluation });
    const larger = smallStudy(system, "grown", { methods: [{ method: "rtn" }, { method: "magnitude" }], evaluation });
    const other = smallStudy(system, "grown", { methods: [{ method: "magnitude" }], evaluation });
    const study = await touchstone.start(spec);
    await assert.rejects(touchstone.start(other), {
      name: "StudyNameTaken",
      message: /"rtn".* left out.*another name/,
    });
    await assert.rejects(touchstone.start(larger), {
      name: "StudyNameTaken",
      message: /Wait for its end, or cancel it/,
    });
    await outcome(study);
    const found = (await manifestsOf("grown", "block")).size;
    await assert.rejects(outcome(await touchstone.start(other)), {
      name: "StudyNameTaken",
      message: /"rtn".* left out/,
    });
    const failed = await study.progress();
    assert.deepEqual([failed.phase, failed.ended], ["failed", true]);
    assert.match(failed.cause ?? "", /^StudyNameTaken: /);

    assert.equal((await outcome(await touchstone.start(larger))).cells, 3);
    assert.equal((await manifestsOf("grown", "block")).size, found + BLOCKS);
  },
);

test("a specification that points to nothing claims no name: corrected, it runs", options, async () => {
  const touchstone = await connect();
  const spec = smallStudy(system, "corrected", { methods: [{ method: "rtn" }], evaluation });
  const missing = { ...spec, models: [{ id: "small", path: `${system.model}-missing` }] };
  await assert.rejects(outcome(await touchstone.start(missing)), { name: "UnknownModel" });
  assert.equal((await outcome(await touchstone.start(spec))).cells, 2);
});

test("a bucket that isn't there is named", options, async () => {
  const spec = smallStudy(system, "no-bucket", { checkpoints: { bucket: "not-there" }, evaluation });
  await assert.rejects(outcome(await (await connect()).start(spec)), {
    name: "StorageDenied",
    message: /bucket.*not-there/,
  });
});

test("wrong credentials of the store are named", options, async () => {
  currentWorker().kill("SIGKILL");
  await currentWorker().ended;
  const stranger = await startWorker([], { AWS_SECRET_ACCESS_KEY: "guess" });
  const study = await (await connect()).start(smallStudy(system, "stranger", { evaluation }));
  await assert.rejects(outcome(study), { name: "StorageDenied", message: /AWS_SECRET_ACCESS_KEY/ });
  stranger.kill("SIGKILL");
  await freshWorker();
});

test(
  "where no worker runs, the server says what it knows, orders are refused in time, and the study waits for one",
  patient,
  async () => {
    const worker = currentWorker();
    worker.kill("SIGKILL");
    await worker.ended;
    const touchstone = await connect();
    const study = await touchstone.start(smallStudy(system, "waiting", { methods: [{ method: "rtn" }], evaluation }));
    const { phase, total, done } = await within(20_000, study.progress());
    assert.deepEqual([phase, total, done], ["waiting", 2, 0]);
    await assert.rejects(within(20_000, study.resume()), { name: "ServiceUnavailable", message: /No worker answers/ });
    assert.equal(await study.isRunning(), true);
    const ended = await within(30_000, touchstone.study("grown").progress());
    assert.deepEqual([ended.phase, ended.done, ended.total], ["done", 3, 3]);
    await startWorker();
    await outcome(study);
  },
);

test(
  "a failed cell says what was wrong, where it was and who had it, also in the list of studies",
  patient,
  async () => {
    // Eight tokens give a second moment of rank eight, and so little damping is lost in float32.
    const methods = [{ method: "gptq" as const, damping: 1e-12 }];
    const calibration = { sizes: [1], length: 8 };
    const study = await (await connect()).start(smallStudy(system, "poisoned", { methods, calibration, evaluation }));
    await assert.rejects(outcome(study), { name: "StudyIncomplete", message: /1 of 2 cells failed/ });
    const { phase, failed } = await study.progress();
    assert.deepEqual([phase, failed], ["failed", 1]);
    const [failure] = (await study.troubles()).failed;
    assert.deepEqual([failure.errorType, failure.cell], ["NumericalError", "small/gptq/sotu-n1-set0"]);
    assert.match(failure.at ?? "", /^block \d of 6$/);
    assert.match(failure.worker ?? "", /^touchstone-compute@/);
    const listed = [];
    for await (const found of system.touchstone.list()) listed.push(found);
    assert.deepEqual(
      listed.filter(({ name }) => name === "poisoned").map(({ status, cause }) => [status, cause]),
      [["FAILED", "StudyIncomplete"]],
    );
  },
);

test("where no Temporal server answers, connecting says so in time", options, async () => {
  const address = process.env.TEMPORAL_ADDRESS;
  process.env.TEMPORAL_ADDRESS = "127.0.0.1:1";
  try {
    await assert.rejects(within(20_000, Touchstone.connect()), {
      name: "ServiceUnavailable",
      message: /127.0.0.1:1\b/,
    });
  } finally {
    process.env.TEMPORAL_ADDRESS = address;
  }
});

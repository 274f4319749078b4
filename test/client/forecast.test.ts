import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { renderAgainstForecast } from "../../client/commands/study-forecast.js";
import { planOf, renderPlan } from "../../client/commands/study-plan.js";
import { countEvaluations } from "../../client/forecast/evaluation-work.js";
import { rememberedForecast } from "../../client/forecast/forecast.js";
import { measureModel } from "../../client/forecast/measure-model.js";
import { loadModel } from "../../models/load.js";
import type { StudyView } from "../../study/progress.js";
import { parseStudySpec } from "../../study/spec.js";
import { writeStudy } from "../activities/small-study.js";
import { scratchFolder } from "../models/small-model.js";

const home = await scratchFolder();
process.env.TOUCHSTONE_HOME = home;
process.env.TEMPORAL_CONFIG_FILE = "/nonexistent.toml";

const input = await writeStudy({
  name: "measured",
  methods: [
    { method: "gptq", groupSize: 4, blockSize: 8 },
    { method: "spqr", groupSize: 4, blockSize: 8, statisticsGroupSize: 4 },
    { method: "wanda", pattern: "1:2" },
    { method: "magnitude", pattern: "1:2" },
  ],
  calibration: { sizes: [1, 4], length: 16, sets: 1 },
});
const spec = parseStudySpec(input);

test("evaluations are counted with the model's tokenizer: tokens that go through it, predictions, requests", async () => {
  const model = await loadModel(spec.models[0].path);
  const [text, task] = await countEvaluations(spec, model);
  await model.close();
  // Windows of 16 characters, of each of which 15 are read and as many are predicted.
  assert.deepEqual([text.id, text.requests, text.sample.length], ["text", 3, 3]);
  assert.ok(text.tokens >= 3 * 15 && text.predictions >= 3 * 15);
  assert.deepEqual([task.id, task.requests], ["last_word", 3]);
  assert.ok(task.tokens >= "abc de".length && task.predictions < text.tokens + task.tokens);
});

test("a model is measured by each of the study's methods, and what was measured is not measured again", async () => {
  const measured = await measureModel(spec, "model", () => {});
  assert.deepEqual(Object.keys(measured.rates.methods), ["gptq", "spqr", "wanda", "magnitude"]);
  for (const figure of numbersOf(measured)) assert.ok(figure >= 0 && Number.isFinite(figure));
  assert.ok(measured.rates.methods.gptq.solve > 0);
  assert.deepEqual(measured.rates.methods.magnitude.capture, { fixed: 0, perToken: 0 });
  const rates = join(home, "cache", "rates");
  const before = await readdir(rates);
  const again = await measureModel(spec, "model", () => {});
  assert.deepEqual(again.rates.methods, measured.rates.methods);
  assert.deepEqual(await readdir(rates), before);
});

test("a measured plan says time, memory, traffic and money, and is remembered for those who watch the study", async () => {
  const file = join(await scratchFolder(), "spec.json");
  await writeFile(file, JSON.stringify(input));
  const plan = await planOf(file, undefined, { slots: 1, threads: 1, prices: { perHour: 3600 } });
  const { forecast } = plan;
  assert.ok(forecast !== undefined);
  assert.deepEqual(forecast.workers, { slots: 1, threads: 1 });
  assert.deepEqual(forecast.refused, []);
  assert.ok(Math.abs((forecast.money ?? 0) - forecast.seconds) < 1e-9);
  assert.ok(forecast.memory > 1e8 && forecast.kept > 0);
  assert.match(renderPlan(plan), /with 1 compute process of 1 thread, as measured on one block/);
  assert.equal((await rememberedForecast(spec))?.seconds, forecast.seconds);
  assert.equal(await rememberedForecast({ ...spec, name: "other" }), undefined);

  const view = { done: 5, total: 10, ended: false, started: "2026-01-01T00:00:00Z" } as StudyView;
  const line = renderAgainstForecast({ seconds: 1000 }, view, Date.parse("2026-01-01T00:10:00Z"));
  assert.match(
    line,
    /^forecast: 16 min 40 s for all 10 cells, 8 min 20 s for the 5 that are done; this run began 10 min/,
  );
});

function numbersOf(value: unknown): number[] {
  if (typeof value === "number") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(numbersOf) : [];
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { moneyOf, refusals } from "../../study/capacity.js";
import { forecastStudy } from "../../study/forecast.js";
import type { ModelSize } from "../../study/known-sizes.js";
import { lineThrough, type MeasuredModel } from "../../study/rates.js";
import { exampleSpec } from "./example.js";

const toy: ModelSize = {
  parameters: 10_000,
  hiddenSize: 32,
  blocks: 5,
  linears: [
    [32, 128],
    [64, 128],
  ],
};

const method = {
  capture: { fixed: 0.5, perToken: 0.01 },
  forward: { fixed: 0.25, perToken: 0.02 },
  solve: 2,
  encode: 1,
  decode: 3,
};
const measured: MeasuredModel = {
  rates: {
    read: { embedding: 10, block: 4, rest: 1, head: 5 },
    embed: { fixed: 0, perToken: 0.001 },
    states: { fixed: 0, perToken: 0 },
    methods: { gptq: method, rtn: method },
    scoring: {
      body: { fixed: 0.1, perToken: 0.001 },
      last: { fixed: 0.2, perToken: 0.002 },
      head: { fixed: 0.3, perToken: 0.003 },
    },
    processBytes: 5e8,
  },
  evaluations: [{ id: "text", tokens: 20_000, predictions: 1000, requests: 10, prepare: 7 }],
  sampling: 30,
};

/** One source and set of 4 x 16 tokens. */
const spec = exampleSpec({
  sources: [{ id: "one", path: "one.jsonl" }],
  methods: [{ method: "gptq" }, { method: "rtn" }],
  calibration: { sizes: [4], length: 16, sets: 1 },
  evaluation: { perplexity: [{ id: "text", path: "text.txt" }] },
  checkpoints: { activations: "none" },
  concurrency: { cells: 2 },
});
/** In memory. */
const resting = 1e12;
const forecast = (more: Partial<MeasuredModel> = {}, slots = 1) =>
  forecastStudy(spec, { toy }, { toy: { ...measured, ...more } }, { slots, resting });

test("time is that of each step: sets, embedding, blocks with the last one's outputs left out, evaluations in portions", () => {
  const [{ seconds }] = forecast().models;
  const tokens = 64;
  const gptq = 5 * (4 + 2 + 1 + 0.5 + 0.01 * tokens) + 4 * (0.25 + 0.02 * tokens);
  const rtn = 5 * (4 + 2 + 1);
  near(seconds.compress, 10 + 0.001 * tokens + gptq + rtn);
  const portion = (block: number) => 10 + 5 * block + 5 + 4 * 0.1 + 0.2 + 0.3;
  const evaluation = (block: number) => 7 + 2 * portion(block) + 20_000 * (4 * 0.001 + 0.002) + 1000 * 0.003;
  // The dense model reads its blocks, compressed ones have their linears in memory.
  near(seconds.evaluate, evaluation(4) + 2 * evaluation(1));
  assert.equal(seconds.sampling, 30);
});

test("processes share the cells, no more of them than run at a time", () => {
  const [one, two, four] = [1, 2, 4].map((slots) => forecast({}, slots).seconds);
  near(two, one / 2);
  assert.equal(four, two);
});

test("what is kept is what is written less hidden states between blocks, which are removed", () => {
  const { kept, traffic } = forecast();
  assert.equal(kept, traffic.written);
  const every = exampleSpec({ ...spec, checkpoints: { activations: "every 1 block" } });
  const more = forecastStudy(every, { toy }, { toy: measured }, { slots: 1, resting });
  assert.equal(more.kept, kept);
  assert.equal(more.traffic.written - kept, 4 * 64 * (4 * 32 + 4));
});

test("memory grows with the sets, the widths and what the process begins with", () => {
  const { memory } = forecast();
  const larger = exampleSpec({ ...spec, calibration: { ...spec.calibration, sizes: [4000] } });
  assert.ok(forecastStudy(larger, { toy }, { toy: measured }, { slots: 1, resting }).memory > memory);
  const wide: ModelSize = { ...toy, parameters: 1e8, linears: [[32, 4096]] };
  assert.ok(forecastStudy(spec, { toy: wide }, { toy: measured }, { slots: 1, resting }).memory > memory);
  const begun = forecast({ rates: { ...measured.rates, processBytes: 6e8 } });
  near(begun.memory - memory, 1e8);
});

test("a process keeps decoded blocks of all cells, as far as its cache reaches, and as many are garbage", () => {
  const memoryOf = (sets: number) => {
    const more = exampleSpec({ ...spec, calibration: { ...spec.calibration, sets } });
    return forecastStudy(more, { toy }, { toy: measured }, { slots: 1, resting }).memory;
  };
  // All sets of rtn give the same model.
  near(memoryOf(3) - memoryOf(1), 2 * 2 * 5 * 4 * (32 * 128 + 64 * 128));
  assert.equal(memoryOf(100_000), memoryOf(10_000));
});

test("hidden states beyond what a process keeps in memory rest on its disk", () => {
  const { memory, scratch } = forecast();
  assert.equal(scratch, 0);
  const [few, none] = [1000, 0].map((bytes) =>
    forecastStudy(spec, { toy }, { toy: measured }, { slots: 1, resting: bytes }),
  );
  // 4 x 16 tokens: five states of 32 values, and inputs of 128.
  assert.equal(none.scratch, 64 * (5 * 32 + 128) * 4);
  assert.equal(few.scratch, none.scratch - 1000);
  assert.ok(none.memory < few.memory && few.memory < memory);
});

test("what doesn't fit is refused with the setting that would change it", () => {
  const found = forecast();
  const { memory } = found;
  assert.deepEqual(refusals(spec, found, { slots: 2, resting, memory: 2.1 * memory, disk: 1e12 }), []);
  const [slots, ...others] = refusals(spec, found, { slots: 4, resting, memory: 2.1 * memory });
  assert.match(slots, /Give the worker --slots 2\.$/);
  assert.deepEqual(others, []);
  assert.match(refusals(spec, found, { slots: 1, resting, memory: memory / 2 })[0], /Set calibration\.sizes below 4/);
  assert.match(refusals(spec, found, { slots: 1, resting, memory: 1e12, disk: 1 })[0], /checkpoints\.bucket/);
  const onDisk = { ...found, scratch: 1e6 };
  assert.match(refusals(spec, onDisk, { slots: 2, resting: 0, memory: 1e12, scratch: 1e6 })[0], /TOUCHSTONE_HOME/);
  assert.deepEqual(refusals(spec, onDisk, { slots: 1, resting: 0, memory: 1e12, scratch: 1e6 }), []);
});

test("money is hours, what is kept and what is moved, by their prices; without prices there is none", () => {
  const found = { ...forecast(), seconds: 7200, kept: 3e9, traffic: { read: 1e9, written: 4e9 } };
  assert.equal(moneyOf(found, {}), null);
  near(moneyOf(found, { perHour: 2, perGbMonth: 0.1, perGbMoved: 0.01 }) ?? 0, 4 + 0.3 + 0.05);
  assert.equal(moneyOf(found, { perHour: 0 }), 0);
});

test("two measurements make a line; where the clock's noise makes none of them, time is in proportion", () => {
  const line = lineThrough([
    [10, 3],
    [20, 5],
  ]);
  near(line.fixed, 1);
  near(line.perToken, 0.2);
  for (const small of [
    [10, 6],
    [10, 1],
    [20, 5],
  ] as const)
    assert.deepEqual(lineThrough([[...small], [20, 5]]), { fixed: 0, perToken: 0.25 });
});

function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) <= 1e-9 * Math.abs(expected), `${actual} is not ${expected}`);
}

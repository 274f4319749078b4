import assert from "node:assert/strict";
import { test } from "node:test";
import { conflictsOf, isSameStudy, parseLastingSpec } from "../../study/amendment.js";
import { lastingSpec, parseStudySpec, type StudySpec, type StudySpecInput } from "../../study/spec.js";

const before: StudySpecInput = {
  name: "grown",
  models: [{ id: "a", path: "/models/a" }],
  sources: [
    { id: "c4", path: "/c4/*.json" },
    { id: "own", sets: ["/sets/0.arrow", "/sets/1.arrow"] },
  ],
  methods: [{ method: "gptq" }],
  calibration: { sizes: [16, 64], length: 256, sets: 2, noiseReplicates: 2 },
  evaluation: {
    tasks: ["piqa"],
    data: "/data",
    limit: 100,
    perplexity: [{ id: "wikitext2", path: "/wikitext2.txt", limit: 10 }],
  },
};

type Change = (spec: StudySpecInput) => unknown;

function changed(change: Change): StudySpec {
  const input = structuredClone(before);
  change(input);
  return parseStudySpec(input);
}

const conflicts = (change: Change) =>
  conflictsOf(
    changed(() => {}),
    changed(change),
  );

const additions: Record<string, Change> = {
  "nothing, in another order": (spec) => spec.calibration?.sizes?.reverse(),
  "a model": (spec) => spec.models.push({ id: "b", path: "/models/b" }),
  "what a model is compared with": (spec) => {
    spec.models.push({ id: "b", path: "/models/b" });
    spec.models[0].base = "b";
  },
  "a source": (spec) => spec.sources.push({ id: "wiki", path: "/wiki" }),
  "a method": (spec) => spec.methods.push({ method: "gptq", bits: 3 }),
  "a smaller size": (spec) => spec.calibration?.sizes?.push(32),
  "sets, given ones too": (spec) => {
    spec.calibration = { ...spec.calibration, sets: 3 };
    spec.sources[1].sets?.push("/sets/2.arrow");
  },
  "noise replicates": (spec) => Object.assign(spec.calibration ?? {}, { noiseReplicates: 3 }),
  "a task": (spec) => spec.evaluation?.tasks?.push("boolq"),
  "all records": (spec) => Object.assign(spec.evaluation ?? {}, { limit: null }),
  "more windows of a text": (spec) => Object.assign(spec.evaluation?.perplexity?.[0] ?? {}, { limit: 20 }),
  "a text": (spec) => spec.evaluation?.perplexity?.push({ id: "own", path: "/own.txt" }),
  "a rule for when to stop": (spec) => Object.assign(spec, { stopping: { halfWidth: 1, minimum: 2 } }),
  "what no result depends on": (spec) => {
    spec.concurrency = { cells: 9 };
    spec.checkpoints = { activations: "none" };
    Object.assign(spec.evaluation ?? {}, { memory: "4GiB", tableMetric: "accNorm" });
  },
};

for (const [what, change] of Object.entries(additions)) {
  test(`a specification may be extended: ${what}`, () => assert.deepEqual(conflicts(change), []));
}

const others: [string, Change, string[]][] = [
  [
    "another model's path",
    (spec) => Object.assign(spec.models[0], { path: "/b" }),
    ['models.a.path: "/models/a" -> "/b"'],
  ],
  ["a source left out", (spec) => spec.sources.pop(), ["sources.own: left out"]],
  [
    "another field",
    (spec) => Object.assign(spec.sources[0], { field: "document" }),
    ['sources.c4.field: "text" -> "document"'],
  ],
  [
    "other given sets",
    (spec) => spec.sources[1].sets?.reverse(),
    ['sources.own.sets: ["/sets/0.arrow","/sets/1.arrow"] -> ["/sets/1.arrow","/sets/0.arrow"]'],
  ],
  [
    "another first source, of which the noise replicates are",
    (spec) => spec.sources.reverse(),
    ['sources[0].id (noise replicates): "c4" -> "own"'],
  ],
  [
    "a larger size, for which other sets are drawn",
    (spec) => spec.calibration?.sizes?.push(128),
    ["calibration.sizes (largest): 64 -> 128"],
  ],
  ["another seed", (spec) => Object.assign(spec.calibration ?? {}, { seed: 1 }), ["calibration.seed: 0 -> 1"]],
  ["fewer sets", (spec) => Object.assign(spec.calibration ?? {}, { sets: 1 }), ["calibration.sets: 2 -> 1"]],
  ["fewer records", (spec) => Object.assign(spec.evaluation ?? {}, { limit: 50 }), ["evaluation.limit: 100 -> 50"]],
  [
    "fewer records, those of which the pilot is least certain",
    (spec) => Object.assign(spec.evaluation ?? {}, { leastCertain: 50 }),
    ["evaluation.leastCertain: all -> 50"],
  ],
  [
    "a task left out",
    (spec) => Object.assign(spec.evaluation ?? {}, { tasks: ["boolq"] }),
    ["evaluation.tasks: piqa is left out"],
  ],
  [
    "other records",
    (spec) => Object.assign(spec.evaluation ?? {}, { data: "/d" }),
    ['evaluation.data: "/data" -> "/d"'],
  ],
  [
    "another prefix",
    (spec) => Object.assign(spec, { checkpoints: { prefix: "p" } }),
    ['checkpoints.prefix: "" -> "p"'],
  ],
];

for (const [what, change, said] of others) {
  test(`what was computed must keep its meaning: ${what}`, () => assert.deepEqual(conflicts(change), said));
}

test("a rule for when to stop may change as it likes, but not leave out sets", () => {
  const stopping = (maximum?: number, halfWidth = 1) =>
    changed((spec) =>
      Object.assign(spec, {
        stopping: { halfWidth, minimum: 2, maximum },
        calibration: { ...spec.calibration, sets: 6 },
      }),
    );
  assert.deepEqual(conflictsOf(stopping(4), stopping(6, 0.1)), []);
  assert.deepEqual(
    conflictsOf(
      stopping(4),
      changed((spec) => Object.assign(spec.calibration ?? {}, { sets: 6 })),
    ),
    [],
  );
  assert.deepEqual(conflictsOf(stopping(), stopping(4)), ["stopping.maximum: 6 -> 4"]);
});

test("a method with other settings is another method", () => {
  const [conflict, ...more] = conflicts((spec) => Object.assign(spec.methods[0], { bits: 3 }));
  assert.match(conflict, /^methods: .*"bits":4.*"method":"gptq".* is left out$/);
  assert.deepEqual(more, []);
});

test("the specification that the store keeps is the one that was given, but for what may change", () => {
  const spec = changed(() => {});
  const kept = parseLastingSpec(JSON.parse(JSON.stringify(lastingSpec(spec))));
  assert.ok(kept !== undefined && isSameStudy(kept, spec));
  assert.ok(
    isSameStudy(
      kept,
      changed((other) => Object.assign(other, { concurrency: { cells: 7 } })),
    ),
  );
  const compared = changed((other) => other.models.push({ id: "b", path: "/b", base: "a" }));
  assert.deepEqual((lastingSpec(compared) as StudySpec).models, [
    { id: "a", path: "/models/a" },
    { id: "b", path: "/b" },
  ]);
  assert.equal(parseLastingSpec({ name: "grown" }), undefined);
});

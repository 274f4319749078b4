import assert from "node:assert/strict";
import { test } from "node:test";
import { TouchstoneError } from "../../study/errors.js";
import { activationInterval, parseStudySpec, type StudySpecInput } from "../../study/spec.js";
import { exampleInput, exampleSpec } from "./example.js";

function rejected(input: unknown): TouchstoneError {
  try {
    parseStudySpec(input);
  } catch (error) {
    assert.ok(error instanceof TouchstoneError);
    return error;
  }
  throw new assert.AssertionError({ message: "the specification was taken" });
}

const with_ = (key: string, value: unknown) => ({ ...exampleInput(), [key]: value });

const mistakes: readonly [title: string, input: unknown, type: string, said: RegExp][] = [
  ["an unknown key", with_("modles", []), "InvalidStudySpec", /modles: unknown key \(did you mean models\?\)/],
  [
    "an unknown key inside",
    with_("calibration", { sizes: [8], lenght: 3 }),
    "InvalidStudySpec",
    /calibration\.lenght: unknown key \(did you mean length\?\)/,
  ],
  [
    "an unknown key of an item",
    with_("models", [
      { id: "toy", path: "p" },
      { id: "b", pth: "p" },
    ]),
    "InvalidStudySpec",
    /models\[1\]\.pth: unknown key \(did you mean path\?\)/,
  ],
  [
    "a key of another method",
    with_("methods", [{ method: "rtn", actOrder: true }]),
    "InvalidStudySpec",
    /methods\[0\]\.actOrder: unknown key \(known: method, bits, groupSize, symmetric, mse\)/,
  ],
  ["a wrong type", with_("calibration", { sizes: "8" }), "InvalidStudySpec", /calibration\.sizes: .*expected array/],
  ["a number out of range", with_("calibration", { sets: 0 }), "InvalidStudySpec", /calibration\.sets: /],
  ["a missing key", { ...exampleInput(), sources: undefined }, "InvalidStudySpec", /sources: /],
  ["no object at all", "text", "InvalidStudySpec", /expected object/],
  [
    "an unknown method",
    with_("methods", [{ method: "gptk" }]),
    "UnknownMethod",
    /methods\[0\]\.method: unknown method "gptk" \(did you mean gptq\?\)/,
  ],
  ["a method without a name", with_("methods", [{ bits: 4 }]), "UnknownMethod", /name one of the methods rtn, gptq/],
  [
    "more sets until a mean is known than there are",
    with_("stopping", { halfWidth: 0.5, maximum: 4 }),
    "InvalidStudySpec",
    /stopping\.maximum: is 4, but calibration\.sets gives a source 3 sets/,
  ],
  ["a look before two sets", with_("stopping", { halfWidth: 1, minimum: 1 }), "InvalidStudySpec", /stopping\.minimum/],
  [
    "a first look after the last set",
    with_("stopping", { halfWidth: 1, minimum: 4 }),
    "InvalidStudySpec",
    /stopping\.minimum: is 4, but a source has 3 sets at most/,
  ],
  ["no width to reach", with_("stopping", { halfWidth: 0 }), "InvalidStudySpec", /stopping\.halfWidth/],
  [
    "a measure that isn't measured",
    with_("stopping", { halfWidth: 1, measure: "piqa" }),
    "InvalidStudySpec",
    /stopping\.measure: is piqa, which is no id of evaluation\.perplexity \(text\)/,
  ],
  [
    "no measure to look at",
    { ...exampleInput(), stopping: { halfWidth: 1 }, evaluation: { tasks: ["piqa@case:0.5"], data: "/benchmarks" } },
    "InvalidStudySpec",
    /stopping\.measure: is missing: all tasks have perturbed inputs/,
  ],
  [
    "a model twice",
    with_("models", [
      { id: "m", path: "a" },
      { id: "m", path: "b" },
    ]),
    "InvalidStudySpec",
    /models: has m twice/,
  ],
  [
    "a base that is no other model",
    with_("models", [{ id: "m", path: "p", base: "m" }]),
    "InvalidStudySpec",
    /models\[0\]\.base: must be the id of another model of the study/,
  ],
  [
    "a source twice",
    with_("sources", [
      { id: "s", path: "a" },
      { id: "s", path: "b" },
    ]),
    "InvalidStudySpec",
    /sources: has s twice/,
  ],
  [
    "a source with neither documents nor sets",
    with_("sources", [{ id: "s" }]),
    "InvalidStudySpec",
    /sources\[0\]\.path: is missing: give path .* or sets/,
  ],
  [
    "a source with documents and sets",
    with_("sources", [{ id: "s", path: "a", sets: ["b.arrow"] }]),
    "InvalidStudySpec",
    /sources\[0\]: give either path or sets, not both/,
  ],
  [
    "a source of sets that names a field",
    with_("sources", [{ id: "s", sets: ["b.arrow"], field: "body" }]),
    "InvalidStudySpec",
    /sources\[0\]\.field: says something about documents/,
  ],
  ["a source of no sets", with_("sources", [{ id: "s", sets: [] }]), "InvalidStudySpec", /sources\[0\]\.sets: /],
  [
    "an unknown key of a source of sets",
    with_("sources", [{ id: "s", set: ["b.arrow"] }]),
    "InvalidStudySpec",
    /sources\[0\]\.set: unknown key \(did you mean sets\?\)/,
  ],
  [
    "a task twice",
    with_("evaluation", { tasks: ["piqa", "piqa"], data: "d" }),
    "InvalidStudySpec",
    /evaluation\.tasks: has piqa twice/,
  ],
  ["a size twice", with_("calibration", { sizes: [8, 8] }), "InvalidStudySpec", /calibration\.sizes: has 8 twice/],
  [
    "a method twice, once with its defaults written out",
    with_("methods", [{ method: "wanda" }, { method: "wanda", pattern: "2:4", trueSequential: false }]),
    "InvalidStudySpec",
    /methods: has .*wanda.* twice/,
  ],
  [
    "two ways of saying how much is pruned",
    with_("methods", [{ method: "wanda", pattern: "2:4", sparsity: 0.5 }]),
    "InvalidStudySpec",
    /either pattern or sparsity/,
  ],
  [
    "a pattern that keeps nothing",
    with_("methods", [{ method: "wanda", pattern: "4:4" }]),
    "InvalidStudySpec",
    /prune fewer/,
  ],
  ["nothing to measure", with_("evaluation", {}), "InvalidStudySpec", /evaluation: names no task and no perplexity/],
  [
    "tasks without records",
    with_("evaluation", { tasks: ["piqa"] }),
    "InvalidStudySpec",
    /evaluation\.data: is missing/,
  ],
  [
    "an activations setting that means nothing",
    with_("checkpoints", { activations: "every 0 blocks" }),
    "InvalidStudySpec",
    /checkpoints\.activations: must be auto, none, or "every N blocks"/,
  ],
  ["an id that can't stand in a workflow id", with_("name", "my study"), "InvalidStudySpec", /name: may have letters/],
];

for (const [title, input, type, said] of mistakes) {
  test(`${title} is an error that says where and what`, () => {
    const error = rejected(input);
    assert.match(error.message, said);
    assert.equal(error.type, type);
    assert.equal(error.retryable, false);
  });
}

test("names and prefixes stay below their roots", () => {
  for (const name of [".", ".."]) assert.match(rejected(with_("name", name)).message, /name: may not be of dots alone/);
  for (const prefix of ["..", "../a", "a/../b", "a/..", "/a", "./a"])
    assert.match(rejected(with_("checkpoints", { prefix })).message, /checkpoints\.prefix: may not begin with/);
  for (const prefix of ["", "a", "a/b/", "a..b", "..a/b"])
    assert.equal(parseStudySpec(with_("checkpoints", { prefix })).checkpoints.prefix, prefix);
});

test("every mistake is told at once", () => {
  const { message } = rejected({ ...exampleInput(), name: "", sources: [{ id: "a", path: 3 }], methods: [] });
  for (const key of ["name", "sources[0].path", "methods"]) assert.ok(message.includes(`${key}: `), key);
});

test("defaults are those that users are told", () => {
  const { name, models, sources } = exampleInput();
  const spec = parseStudySpec({
    name,
    models,
    sources,
    methods: [{ method: "gptq" }, { method: "wanda" }],
    evaluation: { perplexity: [{ id: "text", path: "text.txt" }] },
  });
  assert.deepEqual(spec.calibration, {
    ...{ sizes: [128], length: 2048, sets: 10, seed: 0, pack: false, bos: "document", reuse: false },
    noiseReplicates: 0,
  });
  assert.deepEqual(spec.methods, [
    {
      ...{
        method: "gptq",
        bits: 4,
        groupSize: 128,
        symmetric: false,
        actOrder: false,
        staticGroups: false,
        mse: false,
      },
      ...{ damping: 0.01, blockSize: 128, trueSequential: true },
    },
    { method: "wanda", pattern: "2:4", trueSequential: false },
  ]);
  assert.deepEqual(spec.sources[0], { id: "a", path: "/texts/a.jsonl", field: "text" });
  assert.deepEqual(spec.concurrency, { cells: 4, priority: 3 });
});

test("windows of a text have 2,048 tokens unless told; a JSON file may bring its own", () => {
  const perplexity = [
    { id: "text", path: "a.txt" },
    { id: "tokens", path: "a.json" },
  ];
  const { evaluation } = exampleSpec({ evaluation: { perplexity } });
  assert.deepEqual(
    evaluation.perplexity.map(({ length }) => length),
    [2048, undefined],
  );
});

test("what was parsed parses to the same again", () => {
  const sources: StudySpecInput["sources"] = [
    { id: "drawn", path: "a" },
    { id: "given", sets: ["a.arrow", "b.json"] },
  ];
  const spec = exampleSpec({ sources });
  assert.deepEqual(parseStudySpec(JSON.parse(JSON.stringify(spec))), spec);
});

test("the interval of kept activations is as it is written", () => {
  const interval = (activations: string) => activationInterval(exampleSpec({ checkpoints: { activations } }));
  assert.equal(interval("every 3 blocks"), 3);
  assert.equal(interval("every 1 block"), 1);
  assert.equal(interval("none"), Number.POSITIVE_INFINITY);
  assert.equal(interval("auto"), "auto");
});

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { requestsOf } from "../../evaluation/question.js";
import { readTaskRecords } from "../../evaluation/records.js";
import { taskNamed } from "../../evaluation/registry.js";
import { resolveTasks } from "../../evaluation/resolve-tasks.js";
import { yamlTask } from "../../evaluation/yaml/task.js";
import type { TouchstoneError } from "../../study/errors.js";
import { sharedFolder } from "../shared.js";

const folder = fileURLToPath(new URL("../../../test/evaluation/tasks", import.meta.url));
const shared = sharedFolder();

async function fromFile(file: string) {
  const { names, definitions } = await resolveTasks([join(folder, file)]);
  return taskNamed(names[0], definitions);
}

for (const task of [...["arc_easy", "arc_challenge", "openbookqa", "piqa", "boolq", "winogrande"], "lambada_openai"]) {
  test(`${task} in YAML asks what the built-in task asks, of real records`, {
    skip: shared === undefined && "the data is not here",
  }, async () => {
    const data = task.startsWith("lambada")
      ? join(shared!, "reference/evaluation/records")
      : join(shared!, "data/benchmarks");
    const builtIn = taskNamed(task);
    const { records, place } = await readTaskRecords(data, builtIn);
    const fromYaml = await fromFile(`${task}.yaml`);
    const asked = (questions: ReturnType<typeof builtIn.questions>) =>
      questions.map((question) => ({
        requests: requestsOf(question),
        gold: question.form === "completion" ? undefined : question.gold,
      }));
    assert.deepEqual(asked(fromYaml.questions(records, place)), asked(builtIn.questions(records, place)));
    for (const key of ["name", "split", "metrics", "version", "fewShot"] as const) {
      if (key === "fewShot" && task === "lambada_openai") continue;
      assert.deepEqual(fromYaml[key], builtIn[key], key);
    }
  });
}

const definition = (keys: Record<string, unknown> = {}) => ({
  task: "mine",
  output_type: "multiple_choice",
  test_split: "test",
  doc_to_text: "{{ question }}?",
  doc_to_choice: ["no", "yes"],
  doc_to_target: "label",
  ...keys,
});
const ask = (keys: Record<string, unknown>, record: Record<string, unknown>) =>
  yamlTask(definition(keys), "mine.yaml").questions([record], "mine.jsonl")[0];

test("a target is an index, a text among the choices, or a template that gives either", () => {
  const gold = (keys: Record<string, unknown>, record: Record<string, unknown>) => {
    const question = ask(keys, { question: "q", ...record });
    return question.form === "completion" ? undefined : question.gold;
  };
  assert.equal(gold({}, { label: 1 }), 1);
  assert.equal(gold({}, { label: 1n }), 1);
  assert.equal(gold({}, { label: true }), 1);
  assert.equal(gold({}, { label: "yes" }), 1);
  assert.equal(gold({ doc_to_target: "{{ answer - 1 }}" }, { answer: 2 }), 1);
  assert.equal(gold({ doc_to_target: "{{ 'yes' if right else 'no' }}" }, { right: true }), 1);
  assert.equal(gold({ doc_to_target: 1 }, {}), 1);
  // As in the harness, digits in a field are a choice's text, and an index only where a template gives them.
  const digits = { doc_to_choice: ["1", "2"] };
  assert.equal(gold(digits, { label: "1" }), 0);
  assert.equal(gold({ ...digits, doc_to_target: "{{ label }}" }, { label: "1" }), 1);
});

test("choices are a list, the values of a mapping, a field, or a template that gives a list", () => {
  const choices = (doc_to_choice: unknown) => {
    const question = ask({ doc_to_choice }, { question: "q", label: 0, some: ["a", "b"], one: "c", other: "d'\"e" });
    return question.form === "choices" ? question.choices : undefined;
  };
  assert.deepEqual(choices({ x: "first", y: "second" }), ["first", "second"]);
  assert.deepEqual(choices("some"), ["a", "b"]);
  assert.deepEqual(choices("{{ some }}"), ["a", "b"]);
  assert.deepEqual(choices("{{ [one, other] }}"), ["c", "d'\"e"]);
});

test("description, delimiters and texts are as written, newlines at the end included", () => {
  const keys = { description: "About {{ topic }}.\n\n", doc_to_text: "{{ question }}\n", target_delimiter: "" };
  const question = ask(keys, { question: "q", label: 0, topic: "frogs" });
  assert.deepEqual(requestsOf(question)[1], { context: "About frogs.\n\nq\n", continuation: "yes" });
});

test("templates are Jinja's: filters, methods of Python, conditions, loops, tests and slices", () => {
  const text = (doc_to_text: string) => {
    const question = ask({ doc_to_text }, { question: " tHE end.", label: 0, items: ["a", "b"], flag: true, n: 2 });
    return question.form === "choices" ? question.context : undefined;
  };
  assert.equal(text("{{ question.strip()[:-1].replace('e', 'i') | capitalize }}"), "The ind");
  assert.equal(text("{% if n > 1 %}many{% else %}one{% endif %}: {{ items | join(', ') }}"), "many: a, b");
  assert.equal(text("{% set x = n %}{{ x }}{# nothing #}{{ none }}"), "2None");
  assert.equal(text("{% for item in items %}{{ loop.index }}. {{ item }}\n{% endfor %}"), "1. a\n2. b\n");
  assert.equal(text("{{ absent | default('none') }} {{ absent is defined }} {{ flag }}"), "none False True");
  assert.equal(text("{{ ', '.join(items) }} {{ items.index('b') }} {{ question.find('end') }}"), "a, b 1 5");
});

const wrongDefinitions: [string, Record<string, unknown>, RegExp][] = [
  ["code", { process_docs: "x" }, /process_docs: is not supported \(mine\.yaml\)\. Bring the records into shape/],
  ["filters", { filter_list: [] }, /filter_list: is not supported/],
  ["generation", { output_type: "generate_until" }, /output_type: must be multiple_choice or loglikelihood/],
  ["a slip", { doc_to_txt: "x" }, /doc_to_txt: unknown key \(did you mean doc_to_text\?\)/],
  ["a missing key", { doc_to_text: undefined }, /doc_to_text: /],
  ["no choices", { doc_to_choice: undefined }, /doc_to_choice: is missing/],
  ["an empty list of choices", { doc_to_choice: [] }, /doc_to_choice: /],
  ["no split", { test_split: undefined }, /test_split: is missing/],
  ["a metric", { metric_list: [{ metric: "f1" }] }, /metric_list\[0\]\.metric: must be acc, acc_norm or perplexity/],
  [
    "a metric of another form",
    { metric_list: [{ metric: "perplexity" }] },
    /perplexity is not measured by multiple_choice/,
  ],
  [
    "a template",
    { doc_to_text: "a\n{{ question | }}" },
    /doc_to_text: this is not a template: .*line 2, column 1: \{\{ question \| \}\}/,
  ],
  ["a block", { doc_to_text: "{% if x %}" }, /doc_to_text: this is not a template: a block is not closed/],
];
for (const [what, keys, message] of wrongDefinitions) {
  test(`a definition with ${what} that is wrong is InvalidTask, told with file and key`, () => {
    assert.throws(
      () => yamlTask(definition(keys), "mine.yaml"),
      (error: TouchstoneError) =>
        error.type === "InvalidTask" && message.test(error.message) && error.message.includes("mine.yaml"),
    );
  });
}

const wrongRecords: [string, Record<string, unknown>, Record<string, unknown>, string, RegExp][] = [
  [
    "without a field",
    {},
    { label: 0 },
    "InvalidData",
    /question is not defined, in line 1, column 1: \{\{ question \}\}/,
  ],
  ["without a named field", {}, { question: "q" }, "InvalidData", /no field label, which doc_to_target names/],
  ["with a label out of range", {}, { question: "q", label: 2 }, "InvalidData", /2 is none of the 2 choices/],
  ["with a hidden label", {}, { question: "q", label: -1 }, "InvalidData", /-1 is none of the 2 choices/],
  [
    "without choices",
    { doc_to_choice: "some" },
    { question: "q", label: 0, some: [] },
    "InvalidData",
    /gives no choices/,
  ],
  [
    "with an empty choice",
    { doc_to_choice: "some" },
    { question: "q", label: 0, some: ["a", ""] },
    "InvalidData",
    /choice 1 is empty/,
  ],
  [
    "with a text for choices",
    { doc_to_choice: "some" },
    { question: "q", label: 0, some: "ab" },
    "InvalidData",
    /no list/,
  ],
  [
    "that a filter can't take",
    { doc_to_text: "x {{ label | frob }}" },
    { label: 0 },
    "InvalidTask",
    /frob.*line 1, column 3/,
  ],
  [
    "with a list for a text",
    { doc_to_text: "{{ some }}" },
    { some: ["a"], label: 0 },
    "InvalidTask",
    /list where a text/,
  ],
];
for (const [what, keys, record, type, message] of wrongRecords) {
  test(`a record ${what} is told with its place`, () => {
    const task = yamlTask(definition(keys), "mine.yaml");
    const good = { question: "q", label: 0, some: ["a", "b"] };
    assert.throws(
      () =>
        type === "InvalidTask"
          ? task.questions([record], (i) => `mine.jsonl, line ${i + 7}`)
          : task.questions([good, record], (i) => `mine.jsonl, line ${i + 6}`),
      (error: TouchstoneError) =>
        error.type === type && message.test(error.message) && error.message.includes("mine.jsonl, line 7"),
    );
  });
}

test("no records at all are InvalidData", () => {
  assert.throws(
    () => yamlTask(definition(), "mine.yaml").questions([], "mine.jsonl"),
    /no records of mine \(mine\.jsonl\)/,
  );
});

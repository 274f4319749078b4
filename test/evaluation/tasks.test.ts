import assert from "node:assert/strict";
import { test } from "node:test";
import { requestsOf } from "../../evaluation/question.js";
import { taskNamed, taskNames } from "../../evaluation/registry.js";
import { clean } from "../../evaluation/tasks/hellaswag.js";
import { capitalize } from "../../evaluation/text.js";
import type { TouchstoneError } from "../../study/errors.js";

type Record = { readonly [key: string]: unknown };

const question = (task: string, record: Record) => taskNamed(task).questions([record], "records.jsonl")[0];
const requests = (task: string, record: Record) => requestsOf(question(task, record));
const gold = (task: string, record: Record) => {
  const asked = question(task, record);
  return asked.form === "completion" ? undefined : asked.gold;
};

const arc = (labels: string[], answerKey: string) => ({
  question: "Why?",
  choices: { text: labels.map((label) => `text ${label}`), label: labels },
  answerKey,
});

test("short names stand for the harness's, which results carry", () => {
  assert.equal(taskNamed("storycloze").name, "storycloze_2016");
  assert.equal(taskNamed("lambada").name, "lambada_openai");
  for (const name of taskNames) assert.ok([name, "storycloze_2016", "lambada_openai"].includes(taskNamed(name).name));
});

test("an unknown task is told with the nearest name", () => {
  assert.throws(
    () => taskNamed("hellaswga"),
    (error: TouchstoneError) => error.name === "UnknownTask" && error.message.includes("did you mean hellaswag?"),
  );
});

test("ARC: one request a choice, with lettered, numbered, and three or five choices", () => {
  assert.deepEqual(requests("arc_easy", arc(["A", "B"], "B")), [
    { context: "Question: Why?\nAnswer:", continuation: " text A" },
    { context: "Question: Why?\nAnswer:", continuation: " text B" },
  ]);
  assert.equal(gold("arc_challenge", arc(["A", "B", "C", "D"], "C")), 2);
  assert.equal(gold("arc_challenge", arc(["1", "2", "3", "4"], "4")), 3);
  assert.equal(gold("arc_easy", arc(["A", "B", "C"], "C")), 2);
  assert.equal(gold("arc_easy", arc(["A", "B", "C", "D", "E"], "E")), 4);
});

test("OpenBookQA: the stem alone is the context; spaces before the answer key are dropped", () => {
  const record = { question_stem: "Frogs are", choices: { text: ["red", "wet"], label: ["A", "B"] }, answerKey: "  B" };
  assert.deepEqual(requests("openbookqa", record)[1], { context: "Frogs are", continuation: " wet" });
  assert.equal(gold("openbookqa", record), 1);
});

test("BoolQ, RTE, PIQA and Story Cloze: templates and gold answers", () => {
  const boolq = { passage: "P.", question: "is it", label: 1 };
  assert.deepEqual(requests("boolq", boolq), [
    { context: "P.\nQuestion: is it?\nAnswer:", continuation: " no" },
    { context: "P.\nQuestion: is it?\nAnswer:", continuation: " yes" },
  ]);
  assert.equal(gold("boolq", boolq), 1);
  const rte = { sentence1: "A.", sentence2: "B.", label: 0 };
  assert.deepEqual(requests("rte", rte)[0], {
    context: "A.\nQuestion: B. True or False?\nAnswer:",
    continuation: " True",
  });
  const piqa = { goal: "G", sol1: "x", sol2: "y", label: 1 };
  assert.deepEqual(requests("piqa", piqa)[1], { context: "Question: G\nAnswer:", continuation: " y" });
  const story = {
    ...{ input_sentence_1: "1.", input_sentence_2: "2.", input_sentence_3: "3.", input_sentence_4: "4." },
    ...{ sentence_quiz1: "x.", sentence_quiz2: "y.", answer_right_ending: 2 },
  };
  assert.deepEqual(requests("storycloze", story)[0], { context: "1. 2. 3. 4.", continuation: " x." });
  assert.equal(gold("storycloze", story), 1);
});

test("WinoGrande: the same continuation after each option", () => {
  const record = { sentence: "So _ won  the _ cup. ", option1: "Ann", option2: "Bea", answer: "2" };
  assert.deepEqual(requests("winogrande", record), [
    { context: "So Ann", continuation: " won  the _ cup." },
    { context: "So Bea", continuation: " won  the _ cup." },
  ]);
  assert.equal(gold("winogrande", record), 1);
});

test("HellaSwag: the context is capitalized and cleaned, and so are the endings", () => {
  const record = {
    ...{ activity_label: "Baking", ctx_a: "A man [header] cooks.", ctx_b: "the MAN then", label: "1" },
    endings: ["[substeps] stirs it.", "Eats [x] it [title] Now", "a", "b"],
  };
  const [first, second] = requests("hellaswag", record);
  assert.equal(first.context, "Baking: A man cooks. The man then");
  // What a dropped mark leaves at the beginning is kept, so the continuation begins with two spaces.
  assert.equal(first.continuation, "  stirs it.");
  assert.equal(second.continuation, " Eats it. Now");
  assert.equal(gold("hellaswag", record), 1);
});

test("cleaning takes the shortest brackets, none over a line's end, and replaces double spaces once", () => {
  assert.equal(clean(" a[b]c[d]e "), "ace");
  assert.equal(clean("a[b\nc]"), "a[b\nc]");
  assert.equal(clean("a   b    c"), "a  b  c");
});

test("capitalizing lowers all other letters", () => {
  assert.equal(capitalize("hE SAID I"), "He said i");
  assert.equal(capitalize("ßA"), "Ssa");
  assert.equal(capitalize(""), "");
});

test("LAMBADA: the last space-separated word after all before it, whatever spaces there are", () => {
  for (const task of ["lambada", "lambada_standard"]) {
    assert.deepEqual(requests(task, { text: "the  old man" }), [{ context: "the  old", continuation: " man" }]);
    assert.deepEqual(requests(task, { text: "alone" }), [{ context: "", continuation: " alone" }]);
    assert.deepEqual(requests(task, { text: "ends. " }), [{ context: "ends.", continuation: " " }]);
  }
  assert.deepEqual(requests("last_word", { text: " a b\n" }), [{ context: "a", continuation: " b" }]);
});

const stories = Array.from({ length: 20 }, (_, i) => ({ text: `Mr. J. Day ${i} came. “It rained!” Then ${i} left.` }));

test("next sentence: a text's own last sentence among three that end other texts", () => {
  const questions = taskNamed("next_sentence").questions(stories, "texts.jsonl");
  questions.forEach((asked, i) => {
    assert.ok(asked.form === "choices");
    assert.equal(asked.context, `Mr. J. Day ${i} came. “It rained!”`);
    assert.equal(asked.choices[asked.gold], `Then ${i} left.`);
    assert.equal(new Set(asked.choices).size, 4);
    for (const choice of asked.choices) assert.match(choice, /^Then \d+ left\.$/);
  });
  assert.ok(new Set(questions.map((asked) => (asked.form === "choices" ? asked.gold : -1))).size === 4);
  assert.deepEqual(taskNamed("next_sentence").questions(stories, "texts.jsonl"), questions);
});

test("next sentence needs four different endings", () => {
  assert.throws(
    () => taskNamed("next_sentence").questions(stories.slice(0, 3), "texts.jsonl"),
    /fewer than 4 different/,
  );
});

const badRecords: [string, Record, RegExp][] = [
  ["arc_easy", arc(["A", "B"], "C"), /answerKey is none of the choices' labels/],
  ["arc_easy", { ...arc(["A", "B"], "A"), question: undefined }, /question: /],
  [
    "openbookqa",
    { question_stem: "x", choices: { text: ["a", "b", "c"], label: ["A", "B"] }, answerKey: "A" },
    /differ/,
  ],
  ["piqa", { goal: "g", sol1: "a", sol2: "b", label: -1 }, /label: /],
  ["boolq", { passage: "p", question: "q", label: "yes" }, /label: /],
  ["hellaswag", { activity_label: "a", ctx_a: "b", ctx_b: "c", endings: ["d", "e"], label: "2" }, /label is none/],
  ["winogrande", { sentence: "no blank", option1: "a", option2: "b", answer: "1" }, /sentence: has no _/],
  ["winogrande", { sentence: "a _", option1: "a", option2: "b", answer: "" }, /answer: /],
  ["lambada", { text: 7 }, /text: /],
  ["last_word", { text: "one" }, /text: has fewer than two words/],
  ["next_sentence", { text: "One sentence only." }, /text: has fewer than two sentences/],
];

test("a bad record is InvalidData, told with its file, its number and the key that is wrong", () => {
  for (const [task, record, message] of badRecords) {
    const good = task === "lambada" ? [{ text: "a b" }] : [];
    assert.throws(
      () => taskNamed(task).questions([...good, record], "data/records.jsonl"),
      (error: TouchstoneError) =>
        error.type === "InvalidData" &&
        message.test(error.message) &&
        error.message.includes(`data/records.jsonl, record ${good.length}`),
      task,
    );
  }
});

test("no records at all are InvalidData", () => {
  assert.throws(() => taskNamed("piqa").questions([], "piqa.jsonl"), /no records of piqa \(piqa\.jsonl\)/);
});

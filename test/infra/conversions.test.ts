import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { conversions, convertLines, splitOptions, toJsonLines } from "../../infra/conversions.js";
import { homePath } from "../../storage/home.js";
import { sharedFolder } from "../shared.js";

test("options are found whatever they hold, as long as no line of theirs begins like the next option", () => {
  const option = fc.string().filter((text) => !/(^|\n)[A-D]\. /.test(text));
  fc.assert(
    fc.property(fc.array(option, { minLength: 2, maxLength: 4 }), fc.nat(), (texts, pick) => {
      const lettered = texts.map((text, i) => `${"ABCD"[i]}. ${text}`);
      const right = pick % texts.length;
      fc.pre(lettered.indexOf(lettered[right]) === right);
      assert.deepEqual(splitOptions(lettered.join("\n"), lettered[right], texts.length), { texts, right });
    }),
  );
});

test("records get the hub's fields", () => {
  assert.deepEqual(conversions.boolq({ question: "is it", title: "t", answer: "True", passage: "It is." }, 7), {
    question: "is it",
    passage: "It is.",
    label: 1,
    idx: 7,
  });
  assert.deepEqual(conversions.piqa({ question: "goal", options: "A. one \nB. two", answer: "B. two" }), {
    goal: "goal",
    sol1: "one ",
    sol2: "two",
    label: 1,
  });
  assert.deepEqual(
    conversions.openbookqa({ question: "stem ", options: "A. a\nB. b\nC. c\nD. d", answer: "C. c" }, 3),
    {
      id: "openbookqa-3",
      question_stem: "stem",
      choices: { text: ["a", "b", "c", "d"], label: ["A", "B", "C", "D"] },
      answerKey: "C",
    },
  );
});

const wrong = [
  {
    name: "an answer that is no option",
    row: { question: "q", options: "A. x\nB. y", answer: "B. z" },
    says: /none of the options/,
  },
  { name: "a missing option", row: { question: "q", options: "A. x", answer: "A. x" }, says: /no option B/ },
  { name: "a missing field", row: { question: "q", options: "A. x\nB. y" }, says: /answer/ },
];
for (const { name, row, says } of wrong) {
  test(`${name} is an error that names file and line`, () => {
    const good = { question: "q", options: "A. x\nB. y", answer: "B. y" };
    assert.throws(
      () => convertLines(toJsonLines([good, row]), "piqa.jsonl", conversions.piqa),
      (error: Error) =>
        error.name === "InvalidData" && /piqa\.jsonl, line 2/.test(error.message) && says.test(error.message),
    );
  });
}

test("a line that is no JSON is an error that names file and line", () => {
  assert.throws(() => convertLines('{}\n{"a":', "a.jsonl", (row) => row), /InvalidData|a\.jsonl, line 2/);
});

const shared = sharedFolder();
const made = homePath("data", "benchmarks");
const skip =
  shared === undefined ? "no reference data here" : existsSync(made) ? false : "the quickstart's texts are not set up";
test("the records made from the packages agree with the hub's", { skip }, () => {
  const keys = {
    boolq: ["question", "label"],
    piqa: ["goal", "sol1", "sol2", "label"],
    openbookqa: ["question_stem", "choices", "answerKey"],
  };
  for (const [task, fields] of Object.entries(keys)) {
    const read = (path: string) =>
      convertLines(readFileSync(path, "utf8"), path, (row) => row as Record<string, unknown>);
    const label = fields[fields.length - 1];
    const key = (row: Record<string, unknown>) =>
      JSON.stringify(fields.slice(0, -1).map((field) => row[field])).replaceAll(/\s+(?=")/g, "");
    const ours = new Map(read(join(made, `${task}.jsonl`)).map((row) => [key(row), row[label]]));
    const theirs = read(join(shared ?? "", "data", "benchmarks", `${task}.jsonl`));
    const found = theirs.filter((row) => ours.has(key(row)));
    assert.ok(found.length > 150, `${task}: ${found.length} of ${theirs.length} records found`);
    for (const row of found) assert.equal(ours.get(key(row)), row[label], key(row));
  }
});

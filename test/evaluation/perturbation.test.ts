import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import type { Answer } from "../../evaluation/metrics.js";
import { hardestVariants } from "../../evaluation/perturbation/hardest.js";
import { perturbedVariants, requireEffect } from "../../evaluation/perturbation/perturb.js";
import { perturbations } from "../../evaluation/perturbation/registry.js";
import { type Question, requestsOf } from "../../evaluation/question.js";
import { taskNamed, taskNames } from "../../evaluation/registry.js";
import type { TouchstoneError } from "../../study/errors.js";
import { sharedFolder } from "../shared.js";

const names = perturbations.map(({ name }) => name);

/** Contexts of questions, perturbed as the task's name says. */
function perturbed(task: string, questions: readonly Question[], { seed = 0, all = questions } = {}): Question[] {
  return perturbedVariants(taskNamed(task), questions, all, seed).flat();
}

const asking = (context: string): Question => ({ form: "choices", context, choices: ["yes", "no"], gold: 0 });
const contextOf = (question: Question) => (question.form === "contexts" ? question.contexts[0] : question.context);

/** Perturbs plain texts; another text comes with them that irrelevant sentences are taken from. */
function change(name: string, strength: number, texts: readonly string[], seed = 0): string[] {
  const questions = [...texts, "The rest is of no consequence. It never was."].map(asking);
  return perturbed(`openbookqa@${name}:${strength}`, questions, { seed }).slice(0, -1).map(contextOf);
}

/** Made-up English: letters, capitals, marks and apostrophes about as often as in the real one. */
const prose = Array.from({ length: 400 }, (_, i) => {
  const words = "the quick brown fox don't jump over 12 lazy dogs while old Anna reads, quietly".split(" ");
  return Array.from({ length: 9 }, (_, j) => words[(i * 7 + j * 5 + ((i * j) % 3)) % words.length]).join(" ");
}).join(". ");

test("a task's name may say how its inputs are perturbed, and results have that name", () => {
  const task = taskNamed("storycloze@typos:0.10:worst8");
  assert.equal(task.name, "storycloze_2016@typos:0.1:worst8");
  assert.deepEqual(
    [task.perturbed?.perturbation.name, task.perturbed?.strength, task.perturbed?.variants],
    ["typos", 0.1, 8],
  );
  assert.deepEqual(task.files, taskNamed("storycloze").files);
  assert.equal(taskNamed("piqa@case:1:worst1").name, "piqa@case:1");
  assert.equal(taskNamed("piqa").perturbed, undefined);
});

test("a name that isn't understood is told with what is wrong, and the nearest perturbation", () => {
  const wrong: [string, RegExp][] = [
    ["piqa@typo:0.1", /there is no perturbation "typo" \(did you mean typos\?\)/],
    ["piqa@", /there is no perturbation ""/],
    ["piqa@:0.1", /there is no perturbation ""/],
    ["piqa@typos", /the strength of typos is missing.*typos:0\.1/],
    ["piqa@typos:", /the strength of typos is missing/],
    ["piqa@typos:1.01", /the strength 1\.01 is not a number from 0 to 1/],
    ["piqa@typos:-0.1", /the strength -0\.1 is not/],
    ["piqa@typos:much", /the strength much is not/],
    ["piqa@typos:0.1:best8", /"best8" after the strength is not understood.*worst8/],
    ["piqa@typos:0.1:worst0", /"worst0" after/],
    ["piqa@typos:0.1:worst65", /"worst65" after/],
    ["piqa@typos:0.1:worst8:x", /"worst8:x" after/],
    ["pika@typos:0.1", /There is no task "pika" \(did you mean piqa\?\)/],
  ];
  for (const [name, message] of wrong) {
    assert.throws(
      () => taskNamed(name, {}, "evaluation.tasks[0]"),
      (error: TouchstoneError) =>
        error.type === "UnknownTask" && message.test(error.message) && error.message.includes("(evaluation.tasks[0])"),
      name,
    );
  }
});

test("the same seed gives the same texts, whatever other records are asked and in whatever order", () => {
  const sentences = prose
    .split(". ")
    .slice(0, 80)
    .map((sentence, i) => asking(`${sentence} ${i}.`));
  for (const name of names) {
    const task = `openbookqa@${name}:0.3:worst3`;
    const texts = perturbed(task, sentences, { seed: 5 }).map(contextOf);
    assert.deepEqual(perturbed(task, sentences, { seed: 5 }).map(contextOf), texts, name);
    const few = perturbed(task, sentences.slice(0, 20).toReversed(), { seed: 5, all: sentences.toReversed() });
    assert.deepEqual(
      Array.from({ length: 20 }, (_, i) => few.slice(3 * i, 3 * i + 3).map(contextOf))
        .toReversed()
        .flat(),
      texts.slice(0, 60),
      name,
    );
    assert.notDeepEqual(perturbed(task, sentences, { seed: 6 }).map(contextOf), texts, name);
    assert.notDeepEqual(perturbed(`arc_easy@${name}:0.3:worst3`, sentences, { seed: 5 }).map(contextOf), texts, name);
  }
});

test("strength 0 changes nothing, in any script", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "grapheme", minLength: 1 })), (texts) => {
      for (const name of names) assert.deepEqual(change(name, 0, texts), texts);
    }),
  );
});

test("at every strength what comes out is well-formed, and characters are never torn apart", () => {
  const family = "👩‍👩‍👧‍👦";
  const characters = ["e\u0301", "🇩🇪", family, "ä", "न", "字", "x"];
  const text = characters.join("").repeat(20);
  const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });
  for (const name of ["typos", "drops", "swaps", "whitespace"]) {
    const [changed] = change(name, 0.5, [text]);
    for (const { segment } of segmenter.segment(changed)) {
      // Flags that come to stand beside each other are still whole.
      assert.ok(characters.includes(segment) || /^[a-z]$/.test(segment), `${name}: ${JSON.stringify(segment)}`);
    }
  }
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.double({ min: 0, max: 1, noNaN: true }), (any, strength) => {
      for (const name of names) {
        const [changed] = change(name, Number(strength.toFixed(6)), [`a ${any}`]);
        assert.doesNotMatch(changed, /\p{Surrogate}/u, name);
      }
    }),
  );
});

/** Places that may change, how many of them did, by perturbation: what `strength` is the share of. */
const places: Record<string, (before: string, after: string) => { of: number; changed: number }> = {
  typos: (before, after) => ({ of: before.match(/[a-z\d]/gi)?.length ?? 0, changed: differences(before, after) }),
  case: (before, after) => ({ of: before.match(/[a-z]/gi)?.length ?? 0, changed: differences(before, after) }),
  drops: (before, after) => ({ of: before.replaceAll(" ", "").length, changed: before.length - after.length }),
  whitespace: (before, after) => ({
    of: before.match(/ /g)?.length ?? 0,
    // One of three becomes a tab, one is left out, one doubled: tabs are a third.
    changed: 3 * (after.match(/\t/g)?.length ?? 0),
  }),
  word_drops: (before, after) => ({
    of: wordsOf(before).length,
    changed: wordsOf(before).length - wordsOf(after).length,
  }),
  punctuation: (before, after) => {
    const [words, others] = [before.split(" "), after.split(" ")];
    return { of: words.length, changed: words.filter((word, i) => word !== others[i]).length };
  },
};

function wordsOf(text: string): string[] {
  return text.match(/[a-z\d']+/gi) ?? [];
}

function differences(before: string, after: string): number {
  assert.equal(after.length, before.length);
  return Array.from(before).filter((character, i) => character !== after[i]).length;
}

test("the strength is the share of places that are changed", () => {
  for (const [name, count] of Object.entries(places)) {
    for (const strength of [0.05, 0.3, 1]) {
      const { of, changed } = count(prose, change(name, strength, [prose])[0]);
      // Five standard deviations of a binomial share; a third of the whitespace is looked at, whose deviation is larger.
      const deviation = Math.sqrt(Math.max(strength * (1 - strength), name === "whitespace" ? 2 : 0) / of);
      assert.ok(Math.abs(changed / of - strength) <= 5 * deviation + 1e-9, `${name}:${strength}: ${changed} of ${of}`);
    }
  }
});

test("swaps keep each word's letters, and move about the strength's share of them", () => {
  const [changed] = change("swaps", 0.3, [prose]);
  const pairs = wordsOf(prose).map((word, i) => [word, wordsOf(changed)[i]]);
  for (const [before, after] of pairs) assert.deepEqual([...after].sort(), [...before].sort());
  const share = differences(prose, changed) / prose.match(/[a-z\d]/gi)!.length;
  // A word's odd letter stays, and so do equal neighbours: at most a third of the letters in words of three.
  assert.ok(share > 0.3 * 0.6 && share < 0.3 * 1.05, String(share));
});

test("what is changed at one strength is changed at a larger one", () => {
  for (const name of ["typos", "case", "swaps"]) {
    const [weak, strong] = [0.1, 0.2].map((strength) => change(name, strength, [prose])[0]);
    const lost = Array.from(prose).filter((letter, i) => weak[i] !== letter && strong[i] !== weak[i]);
    assert.deepEqual(lost, [], name);
  }
  const numbered = Array.from({ length: 400 }, (_, i) => `w${i}`).join(" ");
  const kept = [0.1, 0.2].map((strength) => new Set(change("word_drops", strength, [numbered])[0].split(" ")));
  assert.ok(kept[1].size < kept[0].size);
  for (const word of kept[1]) assert.ok(kept[0].has(word), word);
});

test("typing errors hit a key beside the right one, and keep the case", () => {
  const [changed] = change("typos", 1, ["GgGgGgGgGgGgGgGgGg aq 1é字"]);
  assert.match(changed, /^([TYFHVB][tyfhvb]){9} [qwszwsxq][12wa] [2q]é字$/);
});

test("dropped words leave no white space behind", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (strength) => {
      const [changed] = change("word_drops", Number(strength.toFixed(6)), ["one two three four five six"]);
      assert.doesNotMatch(changed, /^ | {2}/);
    }),
  );
});

test("a distractor is another record's sentence before a record's own text, for the strength's share of records", () => {
  const questions = Array.from({ length: 400 }, (_, i) => asking(`Record number ${i} has this to say. Is that so`));
  const changed = perturbed("openbookqa@distractors:0.5", questions).map(contextOf);
  const distracted = changed.filter((text, i) => {
    const own = contextOf(questions[i]);
    if (text === own) return false;
    const other = /^Record number (\d+) has this to say\. (.*)$/.exec(text);
    assert.equal(other?.[2], own);
    assert.notEqual(Number(other?.[1]), i);
    return true;
  });
  // Five standard deviations of 400 coins.
  assert.ok(Math.abs(distracted.length - 200) <= 50, String(distracted.length));
});

test("a distractor for WinoGrande is a whole sentence, and never the question itself", () => {
  const records = ["cat", "dog"].map((pet) => ({
    sentence: `The ${pet} met Ann and Bea, and _ fed it well.`,
    option1: "Ann",
    option2: "Bea",
    answer: "1",
  }));
  const questions = taskNamed("winogrande").questions(records, "");
  const [first] = perturbed("winogrande@distractors:1", questions);
  assert.ok(first.form === "contexts");
  assert.deepEqual(first.contexts, [
    "The dog met Ann and Bea, and Ann fed it well. The cat met Ann and Bea, and Ann",
    "The dog met Ann and Bea, and Ann fed it well. The cat met Ann and Bea, and Bea",
  ]);
});

test("WinoGrande's contexts are perturbed alike up to the option, which stays", () => {
  const record = {
    sentence: "Sarah was a much better surgeon than Maria so _ got the cases.",
    option1: "Sarah",
    option2: "Maria",
    answer: 1,
  };
  const questions = taskNamed("winogrande").questions([record], "");
  for (const name of names.filter((each) => each !== "distractors")) {
    const [changed] = perturbed(`winogrande@${name}:0.5`, questions);
    assert.ok(changed.form === "contexts");
    const [first, second] = changed.contexts;
    assert.ok(first.endsWith("Sarah") && second.endsWith("Maria"), name);
    assert.equal(first.slice(0, -5), second.slice(0, -5));
    assert.notEqual(first, "Sarah was a much better surgeon than Maria so Sarah");
  }
});

test("examples before a question and the words of its template stay", () => {
  const [question] = taskNamed("rte").questions([{ sentence1: "Aaaa aaaa.", sentence2: "Bbbb bbbb.", label: 0 }], "");
  const prefix = "Cccc cccc.\nQuestion: Cccc True or False?\nAnswer: True\n\n";
  const [changed] = perturbed("rte@typos:1", [{ ...question, prefix }]);
  const [{ context }] = requestsOf(changed);
  assert.match(
    context,
    /^Cccc cccc\.\nQuestion: Cccc True or False\?\nAnswer: True\n\n[QWSZ]\w+ \w+\.\nQuestion: [VGHN]\w+ \w+\. True or False\?\nAnswer:$/,
  );
  assert.doesNotMatch(context.slice(prefix.length), /[aAbB]{2}/);
});

test("a perturbation that can change nothing is InvalidData, as is a distractor without other records", () => {
  const chinese = ["他们走了很远的路。", "天气一直很好。"].map(asking);
  for (const name of ["typos", "case", "whitespace"]) {
    const task = taskNamed(`openbookqa@${name}:0.5`);
    assert.throws(
      () => requireEffect(task, chinese),
      (error: TouchstoneError) => error.type === "InvalidData" && error.message.includes(`${name} can change nothing`),
    );
    assert.throws(() => perturbed(task.name, chinese), /can change nothing/);
  }
  for (const name of ["drops", "swaps", "word_drops", "distractors"])
    requireEffect(taskNamed(`openbookqa@${name}:0.5`), chinese);
  assert.throws(() => perturbed("openbookqa@distractors:1", [asking("Alone in the world.")]), /no other record/);
  assert.deepEqual(perturbed("openbookqa@case:0", chinese).map(contextOf), chinese.map(contextOf));
});

test("a task from a file keeps the words of its template, and so does XCOPA the word that joins", () => {
  const config = {
    ...{ task: "mine", dataset_path: "a/b", test_split: "test", output_type: "multiple_choice" },
    ...{ doc_to_text: "Say: {{ said }} So:", doc_to_choice: ["aa", "bb"], doc_to_target: "gold" },
  };
  const mine = taskNamed("mine@typos:1", { mine: config });
  assert.equal(mine.name, "mine@typos:1");
  const questions = mine.questions([{ said: "gggg ggg", gold: 1 }], "");
  const [[changed]] = perturbedVariants(mine, questions, questions, 0);
  assert.ok(changed.form === "choices");
  assert.match(changed.context, /^Say: [tyfhvb]{4} [tyfhvb]{3} So:$/);
  assert.deepEqual([changed.choices, changed.gold], [["aa", "bb"], 1]);
  const copa = { premise: "Gggg ggg.", choice1: "Aa.", choice2: "Bb.", question: "effect", label: 0 };
  const [{ context }] = requestsOf(perturbed("xcopa_it@typos:1", taskNamed("xcopa_it").questions([copa], ""))[0]);
  assert.match(context, /^[TYFHVB][tyfhvb]{3} [tyfhvb]{3} quindi$/);
});

test("the hardest variant has the lowest margin of the right answer; NaN is lowest, and of equals the first counts", () => {
  const answer = (context: string, ...likelihoods: number[]): Answer => ({
    question: { form: "choices", context, choices: ["a", "b", "c"].slice(0, likelihoods.length), gold: 1 },
    scores: likelihoods.map((loglikelihood) => ({ loglikelihood, greedy: false })),
  });
  const hardest = (...answers: Answer[]) => hardestVariants(answers, 3).map(({ question }) => contextOf(question));
  const easy = answer("easy", -9, -1, -8);
  // Its margin is -2 below the best wrong answer, though the right one is likelier than in the last.
  const hard = answer("hard", -3, -5, -9);
  const unlikely = answer("unlikely", -30, -20, -40);
  assert.deepEqual(hardest(easy, hard, unlikely, unlikely, easy, easy), ["hard", "easy"]);
  assert.deepEqual(hardest(easy, answer("broken", -1, Number.NaN), hard), ["broken"]);
  assert.deepEqual(hardest(easy, hard, answer("as hard", -3, -5)), ["hard"]);
  const word = (context: string, loglikelihood: number): Answer => ({
    question: { form: "completion", context, target: " x" },
    scores: [{ loglikelihood, greedy: true }],
  });
  assert.deepEqual(hardest(word("a", -1), word("b", -3), word("c", -2)), ["b"]);
  assert.deepEqual(hardestVariants([easy, hard], 1), [easy, hard]);
});

const shared = sharedFolder();
for (const [folder, limit] of [
  ["reference/evaluation/records", 20],
  ["data/benchmarks", 50],
] as const) {
  test(`every perturbation of every task changes contexts and nothing else: ${folder}`, {
    skip: shared === undefined && "the reference values are not here",
  }, () => {
    const tasks = Array.from(new Set(taskNames.map((name) => taskNamed(name).name)));
    let met = 0;
    for (const name of tasks) {
      const file = taskNamed(name)
        .files.map((stem) => join(shared!, folder, `${stem}.jsonl`))
        .find(existsSync);
      if (file === undefined) continue;
      met++;
      const records = readFileSync(file, "utf8")
        .trim()
        .split("\n")
        .slice(0, limit)
        .map((line) => JSON.parse(line));
      const clean = taskNamed(name).questions(records, file);
      for (const each of names) {
        const changed = perturbed(`${name}@${each}:0.7`, clean);
        assert.deepEqual(changed.map(withoutContext), clean.map(withoutContext), `${name}@${each}`);
        const others = changed.filter((question, i) => contextOf(question) !== contextOf(clean[i]));
        assert.ok(others.length > 0, `${name}@${each}`);
        for (const question of changed) assert.deepEqual(frameOf(question), frameOf(clean[0]), `${name}@${each}`);
      }
    }
    assert.ok(met >= 6, String(met));
  });
}

function withoutContext(question: Question) {
  if (question.form === "contexts") return { continuation: question.continuation, gold: question.gold };
  if (question.form === "choices") return { choices: question.choices, gold: question.gold };
  return { target: question.target };
}

/** The template's words: what is no text of the record. WinoGrande's contexts differ in their options. */
function frameOf(question: Question): string[] {
  if (question.form === "contexts" || question.texts === undefined) return [];
  const ends = [0, ...question.texts.flatMap(({ start, end }) => [start, end]), question.context.length];
  const pieces = Array.from({ length: ends.length / 2 }, (_, i) =>
    question.context.slice(ends[2 * i], ends[2 * i + 1]),
  );
  return pieces.every((piece) => piece === "") ? [] : pieces;
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { groupNamed, groupNames } from "../../evaluation/groups.js";
import { requestsOf } from "../../evaluation/question.js";
import { taskNamed } from "../../evaluation/registry.js";
import { resolveTasks } from "../../evaluation/resolve-tasks.js";

const question = (task: string, record: Record<string, unknown>) => taskNamed(task).questions([record], "records")[0];
const requests = (task: string, record: Record<string, unknown>) => requestsOf(question(task, record));

test("every group's tasks exist, and a name of a group stands for them", async () => {
  assert.deepEqual(
    groupNames.map((name) => groupNamed(name)!.tasks.length),
    [15, 11, 11, 5, 7],
  );
  const { names, groups } = await resolveTasks(["xcopa", "piqa"]);
  assert.deepEqual(names, [...groupNamed("xcopa")!.tasks, "piqa"]);
  assert.deepEqual(groups, [groupNamed("xcopa")]);
  for (const name of groupNames) for (const task of groupNamed(name)!.tasks) assert.equal(taskNamed(task).name, task);
});

test("XNLI: three whole texts, with nothing before them", () => {
  const record = { premise: "Es regnet.", hypothesis: "Es ist nass.", label: 2 };
  assert.deepEqual(requests("xnli_de", record), [
    { context: "", continuation: " Es regnet., richtig? Ja, Es ist nass." },
    { context: "", continuation: " Es regnet., richtig? Auch, Es ist nass." },
    { context: "", continuation: " Es regnet., richtig? Nein, Es ist nass." },
  ]);
});

test("XCOPA: the premise without its last character, a connective, and choices that begin in lower case", () => {
  const record = { premise: " L'uomo cadde. ", choice1: "Era ghiacciato.", choice2: "Piove.", label: 0 };
  assert.deepEqual(requests("xcopa_it", { ...record, question: "cause" })[0], {
    context: "L'uomo cadde perché",
    continuation: " era ghiacciato.",
  });
  assert.equal(requests("xcopa_it", { ...record, question: "effect" })[1].context, "L'uomo cadde quindi");
  const chinese = { ...record, premise: "他摔倒了。", question: "effect" };
  assert.equal(requests("xcopa_zh", chinese)[0].context, "他摔倒了 所以");
  assert.throws(() => question("xcopa_it", { ...record, question: "why" }), /question: /);
});

test("XStoryCloze and LAMBADA in other languages ask what the English tasks ask", () => {
  const story = {
    ...{ input_sentence_1: "1.", input_sentence_2: "2.", input_sentence_3: "3.", input_sentence_4: "4." },
    ...{ sentence_quiz1: "x.", sentence_quiz2: "y.", answer_right_ending: 2 },
  };
  assert.deepEqual(question("xstorycloze_ru", story), question("storycloze", story));
  assert.equal(taskNamed("xstorycloze_ru").split, "eval");
  const text = { text: "la vieille dame" };
  for (const task of ["lambada_openai_mt_fr", "lambada_openai_mt_stablelm_fr"]) {
    assert.deepEqual(requests(task, text), [{ context: "la vieille", continuation: " dame" }]);
  }
});

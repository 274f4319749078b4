import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { withFewShot } from "../../evaluation/few-shot.js";
import { countDuplicates, findTaskRecords, readTaskRecords } from "../../evaluation/records.js";
import { taskNamed } from "../../evaluation/registry.js";
import { encodeSamples } from "../../evaluation/samples.js";
import { decodeArrow } from "../../storage/arrow.js";

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "touchstone-records-"));
  await writeFile(join(folder, "lambada.jsonl"), '{"text":"a b"}\n\n{"text":"c d"}\n');
  await writeFile(join(folder, "storycloze_2016.parquet"), "PAR1 and then something else");
  await writeFile(join(folder, "piqa.jsonl"), "{}\n");
  await writeFile(join(folder, "arc_easy.jsonl"), "{}\n");
  await writeFile(join(folder, "piqa.train.jsonl"), "{}\n");
});
after(() => rm(folder, { recursive: true }));

test("records are found under the task's short name and the harness's", async () => {
  for (const name of ["lambada", "lambada_openai"]) {
    assert.equal(await findTaskRecords(folder, taskNamed(name)), `${folder}/lambada.jsonl`);
  }
  assert.equal(await findTaskRecords(folder, taskNamed("storycloze")), `${folder}/storycloze_2016.parquet`);
});

test("where there are none, the files that were looked for are named", async () => {
  await assert.rejects(findTaskRecords(folder, taskNamed("lambada_standard")), (error: Error) => {
    assert.equal(error.name, "InvalidData");
    for (const format of ["jsonl", "parquet", "arrow"]) assert.ok(error.message.includes(`lambada_standard.${format}`));
    return error.message.includes(folder);
  });
});

test("records come with the file and the lines that they are from", async () => {
  const { records, where, place, examples } = await readTaskRecords(folder, taskNamed("lambada"));
  assert.deepEqual(records, [{ text: "a b" }, { text: "c d" }]);
  assert.equal(where, `${folder}/lambada.jsonl`);
  // A blank line counts as a line, and is no record.
  assert.deepEqual([place(0), place(1)], [`${where}, line 1`, `${where}, line 3`]);
  assert.equal(examples, undefined);
});

test("examples are read from the file of their split, and where there is none it is told", async () => {
  const { examples } = await readTaskRecords(folder, withFewShot(taskNamed("piqa"), 2));
  assert.equal(examples?.where, `${folder}/piqa.train.jsonl`);
  await assert.rejects(
    readTaskRecords(folder, withFewShot(taskNamed("arc_easy"), 2)),
    /no records of arc_easy to draw examples from \(split train\): none of arc_easy\.train\.jsonl/,
  );
});

test("records that repeat one before them are counted", () => {
  assert.equal(countDuplicates([{ a: 1 }, { a: 2 }, { a: 1 }, { a: 1n }]), 1);
});

test("a corrupt Parquet file is InvalidData with its name", async () => {
  await assert.rejects(
    readTaskRecords(folder, taskNamed("storycloze")),
    (error: Error) => error.name === "InvalidData" && error.message.includes("storycloze_2016.parquet"),
  );
});

test("samples are an Arrow table with a row a request", () => {
  const samples = [
    { task: "piqa", record: 3, choice: 1, loglikelihood: -1.25, greedy: true },
    { task: "piqa", record: 4, choice: 0, loglikelihood: Number.NaN, greedy: false },
  ];
  const table = decodeArrow(encodeSamples(samples), "samples");
  assert.deepEqual(table.names, ["task", "record", "choice", "loglikelihood", "greedy"]);
  assert.deepEqual(table.texts("task"), ["piqa", "piqa"]);
  assert.deepEqual(Array.from(table.numbers("record")), [3, 4]);
  assert.deepEqual(Array.from(table.numbers("choice")), [1, 0]);
  assert.deepEqual(Array.from(table.numbers("loglikelihood")), [-1.25, Number.NaN]);
  assert.deepEqual(table.flags("greedy"), [true, false]);
  assert.equal(decodeArrow(encodeSamples([]), "no samples").rows, 0);
});

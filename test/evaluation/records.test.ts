import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { findTaskRecords, readTaskRecords } from "../../evaluation/records.js";
import { encodeSamples } from "../../evaluation/samples.js";
import { decodeArrow } from "../../storage/arrow.js";

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "touchstone-records-"));
  await writeFile(join(folder, "lambada.jsonl"), '{"text":"a b"}\n{"text":"c d"}\n');
  await writeFile(join(folder, "storycloze_2016.parquet"), "not read here");
});
after(() => rm(folder, { recursive: true }));

test("records are found under the task's short name and the harness's", async () => {
  for (const name of ["lambada", "lambada_openai"]) {
    assert.equal(await findTaskRecords(folder, name), `${folder}/lambada.jsonl`);
  }
  assert.equal(await findTaskRecords(folder, "storycloze"), `${folder}/storycloze_2016.parquet`);
});

test("where there are none, the files that were looked for are named", async () => {
  await assert.rejects(findTaskRecords(folder, "lambada_standard"), (error: Error) => {
    assert.equal(error.name, "InvalidData");
    for (const format of ["jsonl", "parquet", "arrow"]) assert.ok(error.message.includes(`lambada_standard.${format}`));
    return error.message.includes(folder);
  });
});

test("records come with the file that they are from", async () => {
  assert.deepEqual(await readTaskRecords(folder, "lambada"), {
    records: [{ text: "a b" }, { text: "c d" }],
    where: `${folder}/lambada.jsonl`,
  });
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

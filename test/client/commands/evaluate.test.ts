import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { decodeArrow } from "../../../storage/arrow.js";
import { homePath } from "../../../storage/home.js";

const model = homePath("models", "SmolLM2-135M-Instruct.Q4_1.gguf");
const skip = !existsSync(model) && "the small model isn't set up";

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "touchstone-evaluate-"));
  const texts = ["The cat sat on the mat, and the dog lay beside the cat", "One two three four five six seven eight"];
  await writeFile(join(folder, "last_word.jsonl"), texts.map((text) => JSON.stringify({ text })).join("\n"));
  const piqa = { goal: "Boil an egg", sol1: "Put it in boiling water.", sol2: "Put it in a freezer.", label: 0 };
  await writeFile(join(folder, "piqa.jsonl"), JSON.stringify(piqa));
  await writeFile(join(folder, "text.txt"), texts.join(" "));
});
after(() => rm(folder, { recursive: true }));

/** Runs one command in a process of its own, as the command line does. */
async function run(module: string, command: string, args: string[]): Promise<{ stdout: string; stderr: string }> {
  const url = new URL(`../../../client/commands/${module}`, import.meta.url);
  const script = `import { ${command} } from ${JSON.stringify(url.href)}; await ${command}().parseAsync(process.argv.slice(1), { from: "user" });`;
  return promisify(execFile)(process.execPath, ["--input-type=module", "-e", script, "--", ...args]);
}

test("evaluate writes results in the harness's layout, and samples; with --json nothing else is on standard output", {
  skip,
}, async () => {
  const [out, samples] = [join(folder, "results.json"), join(folder, "samples.arrow")];
  const { stdout } = await run("evaluate.js", "evaluateCommand", [
    ...[model, "--tasks", "last_word,piqa", "--data", folder, "--limit", "2", "--out", out, "--samples", samples],
    "--json",
  ]);
  const results = JSON.parse(stdout);
  assert.deepEqual(results, JSON.parse(await readFile(out, "utf8")));
  assert.deepEqual(Object.keys(results.results), ["last_word", "piqa"]);
  assert.ok(["acc,none", "acc_norm,none"].every((key) => [0, 1].includes(results.results.piqa[key])));
  assert.equal(results.results.piqa["acc_stderr,none"], "N/A");
  assert.ok(results.results.last_word["perplexity,none"] > 1);
  assert.ok(results.results.last_word["acc_stderr,none"] >= 0);
  assert.deepEqual(results.versions, { last_word: 1, piqa: 1 });
  assert.deepEqual(results["n-shot"], { last_word: 0, piqa: 0 });
  assert.deepEqual(results["n-samples"].last_word, { original: 2, effective: 2 });
  assert.equal(results.config.limit, 2);
  const table = decodeArrow(await readFile(samples), samples);
  assert.deepEqual(table.texts("task"), ["last_word", "last_word", "piqa", "piqa"]);
});

test("evaluate with YAML tasks, a group, examples and a log of samples", { skip }, async () => {
  const definition = [
    ...["output_type: multiple_choice", "test_split: test", "fewshot_split: train", "doc_to_text: goal"],
    ...['doc_to_choice: "{{ [sol1, sol2] }}"', "doc_to_target: label", "metric_list: [{ metric: acc }]"],
  ].join("\n");
  await writeFile(join(folder, "common.yaml"), definition);
  for (const task of ["first", "second"]) {
    await writeFile(join(folder, `${task}.yaml`), `task: ${task}\ninclude: common.yaml\n`);
    const records = Array.from({ length: 3 }, (_, i) => ({
      goal: `${task} ${i}:`,
      sol1: "a",
      sol2: "b",
      label: i % 2,
    }));
    await writeFile(
      join(folder, `${task}.jsonl`),
      [...records, records[0]].map((each) => JSON.stringify(each)).join("\n"),
    );
    await writeFile(join(folder, `${task}.train.jsonl`), records.map((each) => JSON.stringify(each)).join("\n"));
  }
  const group = "group: both\ntask: [first.yaml, second.yaml]\naggregate_metric_list: [{ metric: acc }]\n";
  await writeFile(join(folder, "both.yaml"), group);
  const [out, log] = [join(folder, "both.json"), join(folder, "log")];
  const { stdout, stderr } = await run("evaluate.js", "evaluateCommand", [
    ...[model, "--tasks", join(folder, "both.yaml"), "--data", folder, "--num-fewshot", "1", "--out", out],
    ...["--log-samples", log],
  ]);
  const results = JSON.parse(await readFile(out, "utf8"));
  assert.deepEqual(Object.keys(results.results), ["first", "second", "both"]);
  assert.equal(results.groups.both.sample_len, 8);
  assert.deepEqual(results["n-shot"], { first: 1, second: 1, both: 1 });
  assert.equal(results.configs.first.doc_to_text, "goal");
  assert.match(stdout, /^both +8 +acc /m);
  assert.match(stderr, /first: 1 records repeat one before them/);
  const [modelFolder] = await readdir(log);
  const files = await readdir(join(log, modelFolder));
  assert.deepEqual(
    files.map((file) => file.slice(0, file.lastIndexOf("_"))),
    ["results", "samples_first", "samples_second"],
  );
  const [line] = (await readFile(join(log, modelFolder, files[1]), "utf8")).split("\n");
  const sample = JSON.parse(line);
  assert.match(sample.arguments.gen_args_0.arg_0, /^first [012]: [ab]\n\nfirst 0:$/);
  assert.ok([0, 1].includes(sample.acc));
});

test("evaluate says what is wrong before it reads the model", async () => {
  const args = ["no-model", "--data", folder, "--out", join(folder, "never.json")];
  await assert.rejects(run("evaluate.js", "evaluateCommand", [...args, "--tasks", "pika"]), /UnknownTask.*piqa/s);
  await assert.rejects(
    run("evaluate.js", "evaluateCommand", [...args, "--tasks", "rte"]),
    /InvalidData.*rte\.parquet/s,
  );
});

test("perplexity of a text, as JSON", { skip }, async () => {
  const args = [model, "--text", join(folder, "text.txt"), "--length", "8", "--json"];
  const { stdout } = await run("perplexity.js", "perplexityCommand", args);
  const { perplexity, tokens, seconds } = JSON.parse(stdout);
  assert.ok(perplexity > 1 && seconds > 0);
  assert.ok(tokens > 0 && tokens % 7 === 0);
});

test("word and byte perplexity of a text, every token once", { skip }, async () => {
  const args = [model, "--text", join(folder, "text.txt"), "--rolling", "--json"];
  const figures = JSON.parse((await run("perplexity.js", "perplexityCommand", args)).stdout);
  assert.equal(figures.words, 21);
  assert.equal(figures.bytes, (await readFile(join(folder, "text.txt"))).length);
  assert.equal(figures.documents, 1);
  // All three are of one sum of log-likelihoods.
  const sum = Math.log(figures.word_perplexity) * figures.words;
  assert.ok(Math.abs(Math.log(figures.byte_perplexity) * figures.bytes - sum) < 1e-9 * sum);
  assert.ok(Math.abs(Math.log(figures.perplexity) * figures.tokens - sum) < 1e-9 * sum);
  await assert.rejects(
    run("perplexity.js", "perplexityCommand", [model, "--tokens", "x", "--rolling"]),
    /wants --text/,
  );
});

test("perplexity wants either tokens or a text", async () => {
  await assert.rejects(run("perplexity.js", "perplexityCommand", [model]), /either --tokens or --text/);
});

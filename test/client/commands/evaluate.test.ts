import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
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

test("perplexity wants either tokens or a text", async () => {
  await assert.rejects(run("perplexity.js", "perplexityCommand", [model]), /either --tokens or --text/);
});

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { mock, test } from "node:test";
import { steps } from "../../../activities/steps.js";
import { encodeSet, type SampledSet } from "../../../calibration/set.js";
import { inspectCommand } from "../../../client/commands/inspect.js";
import { studyInspectCommand } from "../../../client/commands/study-inspect.js";
import { freshContext, letters, writeModel, writeStudy } from "../../activities/small-study.js";
import { scratchFolder } from "../../models/small-model.js";
import { sharedFolder } from "../../shared.js";
import { startS3 } from "../../storage/s3-server.js";

process.env.TOUCHSTONE_HOME = await scratchFolder();
const server = await startS3();
const model = await writeModel();
const folder = await scratchFolder();

/** What the command prints, as JSON. */
async function json(command: "inspect" | "study", ...args: string[]) {
  const written: string[] = [];
  const write = process.stdout.write.bind(process.stdout);
  // The tests' runner writes what it has to say as bytes.
  const output = mock.method(process.stdout, "write", (chunk: string | Uint8Array) =>
    typeof chunk === "string" ? written.push(chunk) > 0 : write(chunk),
  );
  const errors = mock.method(process.stderr, "write", () => true);
  const program = command === "inspect" ? inspectCommand() : studyInspectCommand();
  try {
    await program.exitOverride().parseAsync([...args, "--json"], { from: "user" });
  } finally {
    output.mock.restore();
    errors.mock.restore();
  }
  return JSON.parse(written.join(""));
}

/** Token ids of the small model: one a character. */
function ids(text: string): number[] {
  return Array.from(text, (character) => " abcdefghijk".indexOf(character));
}

async function writeTokens(name: string, sequences: readonly number[][]): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, JSON.stringify({ input_ids: sequences }));
  return file;
}

const first = await writeTokens("first.json", [ids(letters(1, 90)), ids(letters(2, 90))]);
const second = await writeTokens("second.json", [ids(letters(2, 90)), ids(letters(5, 90))]);

test("sets in files are inspected with the evaluation records and perplexities that are asked for", async () => {
  await writeFile(join(folder, "last_word.jsonl"), JSON.stringify({ text: letters(5, 90) }));
  const out = join(folder, "page.html");
  const asked = ["--model", model, "--tasks", "last_word", "--data", folder];
  const { page, sets, sources } = await json("inspect", first, second, ...asked, "--out", out);
  assert.equal(page, out);
  assert.deepEqual(
    sets.map((set: { name: string; duplicates: object; records: number }) => [set.name, set.duplicates, set.records]),
    [
      ["first.json", { inside: 0, across: 0, foreign: 1 }, 0],
      ["second.json", { inside: 0, across: 0, foreign: 1 }, 1],
    ],
  );
  assert.equal(sources.length, 2);
  const perplexities = sets.flatMap(({ found }: { found: { perplexity: number }[] }) =>
    found.map((each) => each.perplexity),
  );
  assert.ok(perplexities.every((value: number) => Number.isFinite(value) && value > 1));
  // The same sequence has the same perplexity in both sets.
  assert.equal(perplexities[1], perplexities[2]);
  assert.match(await readFile(out, "utf8"), /<mark class="record" title="last_word record 0">/);
});

test("without a model there is no perplexity, and a folder has a page a source", async () => {
  const out = join(folder, "pages");
  const { page, sets } = await json("inspect", first, second, "--tokenizer", model, "--out", out);
  assert.deepEqual([page, sets[0].perplexity, sets[0].records], [join(out, "index.html"), null, null]);
  assert.ok(existsSync(join(out, "0-first.html")) && existsSync(join(out, "1-second.html")));
});

test("what can't be inspected is refused before any work, with its place", async () => {
  const out = ["--out", join(folder, "none.html")];
  const beyond = await writeTokens("beyond.json", [[1, 2, 400]]);
  await assert.rejects(json("inspect", beyond, "--tokenizer", model, ...out), {
    name: "TokenizerMismatch",
    message: /Token id 400 is not in the tokenizer's vocabulary of 12 \(.*beyond\.json/,
  });
  const drawn = join(folder, "drawn.arrow");
  const provenance: SampledSet["provenance"] = {
    source: { id: "s", path: "p", field: "text" },
    ...{ files: [], tokenizer: "another", index: 0, documents: { seen: 1, examined: 1, longEnough: 1 } },
    settings: { length: 3, seed: 0, pack: false, bos: "document", reuse: false, largestSize: 1 },
  };
  const sequences = [{ documents: ["p:1"], offset: 0, tokens: Int32Array.of(1, 2, 3) }];
  await writeFile(drawn, encodeSet({ sequences, provenance }));
  await assert.rejects(json("inspect", drawn, "--tokenizer", model, ...out), {
    name: "TokenizerMismatch",
    message: /drawn with another tokenizer.*drawn\.arrow/,
  });
  const empty = await writeTokens("empty.json", []);
  await assert.rejects(json("inspect", empty, "--tokenizer", model, ...out), {
    name: "InvalidData",
    message: /empty\.json/,
  });
  await assert.rejects(json("inspect", first, "--tokenizer", join(folder, "nothing"), ...out), {
    name: "InvalidModel",
  });
  await assert.rejects(json("inspect", join(folder, "gone.arrow"), "--tokenizer", model, ...out), {
    name: "InvalidData",
    message: /There is no such calibration set.*gone\.arrow/,
  });
  const short = await writeTokens("short.json", [[1], [2]]);
  await assert.rejects(json("inspect", short, "--model", model, ...out), { name: "InvalidData", message: /one token/ });
  await assert.rejects(
    json("inspect", first, "--tokenizer", model, "--tasks", "last_word", "--data", join(folder, "no"), ...out),
    {
      name: "InvalidData",
      message: /There are no records of last_word/,
    },
  );
  assert.equal(existsSync(join(folder, "none.html")), false);
});

test("before a study its specification is enough, and after it its name: the sets are the same", async () => {
  const input = await writeStudy({ calibration: { sizes: [1, 2], length: 16, sets: 2 } });
  const spec = join(await scratchFolder(), "study.json");
  await writeFile(spec, JSON.stringify(input));
  server.requests.length = 0;
  const before = await json("study", spec, "--perplexity", "--out", join(folder, "before.html"));
  assert.deepEqual(server.requests, []);

  await assert.rejects(json("study", "small", "--bucket", "bucket"), {
    name: "UnknownStudy",
    message: /no study small/,
  });
  const { study } = await steps.planStudy(input, freshContext());
  await assert.rejects(json("study", "small", "--bucket", "bucket"), {
    name: "InvalidData",
    message: /in the store yet/,
  });
  await steps.sampleSource({ study, model: "model", source: "source" }, freshContext());
  const named = ["small", "--bucket", "bucket", "--perplexity"];
  const after = await json("study", ...named, "--out", join(folder, "after.html"));
  assert.deepEqual({ ...after, page: "" }, { ...before, page: "" });
  assert.equal(before.sets.length, 2);
  assert.equal(await readFile(join(folder, "after.html"), "utf8"), await readFile(join(folder, "before.html"), "utf8"));
  await assert.rejects(json("study", spec, "--model", "other"), { name: "InvalidSettings", message: /no model other/ });
});

const quickstartModel = ".touchstone/models/SmolLM2-135M-Instruct.Q4_1.gguf";
const shared = sharedFolder();
const skip =
  shared === undefined || !existsSync(quickstartModel) ? "needs the sample corpora and the quickstart's model" : false;

test("of real samples: English text, no document twice, and token frequencies of their own", { skip }, async () => {
  const corpora = join(shared ?? "", "data", "corpora");
  const spec = join(folder, "real.json");
  const sources = [
    { id: "cnn", path: join(corpora, "cnn_dm.jsonl.gz"), field: "article" },
    { id: "wikipedia", path: join(corpora, "wikipedia.jsonl.gz") },
  ];
  await writeFile(
    spec,
    JSON.stringify({
      ...{ name: "real", models: [{ id: "smollm2", path: quickstartModel }], sources, methods: [{ method: "rtn" }] },
      calibration: { sizes: [8], length: 256, sets: 2 },
      evaluation: { tasks: ["arc_easy"], data: join(shared ?? "", "data", "benchmarks"), limit: 50 },
    }),
  );
  const { sources: found } = await json("study", spec, "--out", join(folder, "real"));
  for (const { languages, duplicates, sequences, tokens } of found) {
    assert.deepEqual([sequences, tokens], [16, 16 * 256]);
    // Lists of references and tables are in no language that could be told.
    assert.ok(languages[0].language === "en" && languages[0].sequences >= 14);
    assert.ok(languages.every(({ language }: { language: string }) => ["en", "und"].includes(language)));
    assert.deepEqual(duplicates, { inside: 0, across: 0, foreign: 0 });
  }
  const [cnn, wikipedia] = found;
  // 16 sequences a source here, 8 where two sets of one are compared: less text is further apart, and the sources still are more.
  assert.ok(cnn.distances[1] < 1 && wikipedia.distances[0] > Math.min(cnn.apart, wikipedia.apart));
  assert.ok(cnn.vocabulary > 0 && cnn.vocabulary < 0.1);
});

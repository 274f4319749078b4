import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { writeSafetensors } from "../../models/safetensors-write.js";
import { writeModel, writeStudy } from "../activities/small-study.js";
import { smallWeights } from "../models/small-model.js";

const cli = fileURLToPath(new URL("../../client/cli.js", import.meta.url));
const folder = await mkdtemp(join(tmpdir(), "touchstone-cli-"));
after(() => rm(folder, { recursive: true, force: true }));

/** No services: none of this home, and none that the machine's own variables name. */
const environment = {
  PATH: process.env.PATH,
  HOME: folder,
  TOUCHSTONE_HOME: join(folder, "home"),
  TEMPORAL_CONFIG_FILE: join(folder, "none.toml"),
};

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(program, args, { env: { ...environment, ...env }, cwd: folder }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

const touchstone = (args: readonly string[], env?: NodeJS.ProcessEnv) => run(process.execPath, [cli, ...args], env);

/** What a person is told: one line, the failure's name first, and a status that scripts see. */
function assertOneError({ code, stdout, stderr }: Ended, said: RegExp): void {
  assert.equal(stdout, "");
  assert.match(stderr, /^[A-Z]\w+: [^\n]+\n$/, stderr);
  assert.match(stderr, said);
  assert.equal(code, 1);
}

const file = async (name: string, content: string | Uint8Array): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
};
const tensors = async (name: string, content: Record<string, { shape: number[]; data: Float32Array }>) => {
  const path = join(folder, name);
  await writeSafetensors(path, new Map(Object.entries(content)));
  return path;
};
const json = (name: string, value: unknown) => file(name, JSON.stringify(value));

const model = await writeModel();
const { evaluation, sources, ...study } = await writeStudy();
const source = sources[0].path ?? "";
const text = evaluation?.perplexity?.[0].path ?? "";
const records = evaluation?.data ?? "";
const out = join(folder, "out");
const tokens = await json("tokens.json", { input_ids: [[1, 2, 3, 4]] });
const weight = { shape: [2, 4], data: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8) };
const inputs = { shape: [1, 2, 4], data: Float32Array.of(1, 2, 3, 4, 4, 3, 2, 2) };
const layerCase = await tensors("case.safetensors", { weight, inputs });
const nan = { ...inputs, data: inputs.data.with(2, Number.NaN) };
const cut = await tensors("cut.safetensors", { weight, inputs });
await truncate(cut, 150);
const specification = { ...study, sources, evaluation };

type Case = [title: string, args: () => Promise<string[]> | string[], said: RegExp];

const layer = (path: string, method: string) => ["layer", path, "--method", method, "--out", out];
const compress = (path: string, method: string, ...more: string[]) => [
  "compress",
  path,
  "--method",
  method,
  "--out",
  out,
  ...more,
];
const sample = (...more: string[]) => [
  "sample",
  "--tokenizer",
  model,
  "--out",
  out,
  "--size",
  "2",
  "--length",
  "16",
  ...more,
];
const evaluate = (task: string, data: string, path = model) => [
  "evaluate",
  path,
  "--tasks",
  task,
  "--data",
  data,
  "--out",
  out,
];

const cases: readonly Case[] = [
  ["layer: no such file", () => layer("none.safetensors", '{"method":"rtn"}'), /InvalidData: .*none\.safetensors/],
  ["layer: a file that is cut off", () => layer(cut, '{"method":"rtn"}'), /InvalidModel: .*cut\.safetensors/],
  [
    "layer: an empty file",
    async () => layer(await file("e.safetensors", ""), '{"method":"rtn"}'),
    /Invalid\w+: .*e\.safetensors/,
  ],
  [
    "layer: a case without inputs",
    async () => layer(await tensors("bare.safetensors", { weight }), '{"method":"rtn"}'),
    /InvalidData: The tensor is missing .*bare\.safetensors, tensor inputs/,
  ],
  [
    "layer: an unknown method",
    () => layer(layerCase, '{"method":"gptk"}'),
    /UnknownMethod: .*"gptk" \(did you mean gptq\?\).*--method/,
  ],
  [
    "layer: an unknown setting",
    () => layer(layerCase, '{"method":"gptq","groupsize":4}'),
    /InvalidSettings: groupsize: unknown key \(did you mean groupSize\?\)/,
  ],
  ["layer: settings that are no JSON", () => layer(layerCase, "gptq"), /InvalidSettings: This is not JSON: gptq/],
  [
    "layer: a group size that doesn't divide",
    () => layer(layerCase, '{"method":"gptq","groupSize":3,"blockSize":4}'),
    /InvalidSettings: groupSize 3 doesn't divide blockSize 4/,
  ],
  [
    "layer: inputs that are not finite",
    async () => layer(await tensors("nan.safetensors", { weight, inputs: nan }), '{"method":"gptq"}'),
    /NumericalError: .*NaN or infinite.*tensor inputs/,
  ],
  [
    "forward: no such model",
    () => ["forward", "none.gguf", "--tokens", tokens, "--out", out],
    /UnknownModel: .*none\.gguf/,
  ],
  [
    "forward: a GGUF file that is none",
    async () => ["forward", await file("bad.gguf", "GGUX"), "--tokens", tokens, "--out", out],
    /InvalidModel: .*bad\.gguf/,
  ],
  [
    "forward: ids beyond the vocabulary",
    async () => ["forward", model, "--tokens", await json("high.json", { input_ids: [[1, 12]] }), "--out", out],
    /TokenizerMismatch: Token id 12 is not in the model's vocabulary of 12/,
  ],
  [
    "forward: tokens that are no JSON",
    async () => ["forward", model, "--tokens", await file("half.json", '{"input_ids": [[1,'), "--out", out],
    /InvalidData: .*half\.json/,
  ],
  [
    "forward: tokens under another key",
    async () => ["forward", model, "--tokens", await json("ids.json", { inputIds: [[1]] }), "--out", out],
    /InvalidData: input_ids: .*ids\.json/,
  ],
  ["perplexity: no such text", () => ["perplexity", model, "--text", "none.txt"], /InvalidData: .*none\.txt/],
  [
    "perplexity: a text shorter than a window",
    () => ["perplexity", model, "--text", text, "--length", "100"],
    /InvalidData: The text has 60 tokens, less than one window of 100/,
  ],
  ["sample: no such source", () => sample("--source", "none.jsonl"), /InvalidData: .*none\.jsonl/],
  [
    "sample: an unknown field",
    () => sample("--source", source, "--field", "txt"),
    /InvalidData: .*"txt".*source\.jsonl, line 1/,
  ],
  [
    "sample: too few long documents",
    () => sample("--source", source, "--size", "50"),
    /NotEnoughDocuments: The source has 8 documents.*50 are needed/,
  ],
  [
    "sample: a corrupt file",
    async () => sample("--source", await file("bad.jsonl.gz", "not gzip")),
    /InvalidData: The file is truncated or corrupt.*bad\.jsonl\.gz/,
  ],
  [
    "compress: no calibration set",
    () => compress(model, '{"method":"gptq"}'),
    /InvalidSettings: .*needs a calibration set.*--calibration/,
  ],
  [
    "compress: a set that is cut off",
    async () => compress(model, '{"method":"gptq"}', "--calibration", await file("set.arrow", "ARROW1")),
    /InvalidData: .*set\.arrow/,
  ],
  [
    "compress: a pattern that doesn't divide",
    () => compress(model, '{"method":"magnitude"}'),
    /InvalidSettings: .*runs of 4, but the layer has 6.*down_proj/,
  ],
  ["evaluate: an unknown task", () => evaluate("picqa", records), /UnknownTask: .*"picqa" \(did you mean piqa\?\)/],
  ["evaluate: no records", () => evaluate("piqa", records), /InvalidData: .*piqa\.jsonl/],
  [
    "study plan: an unknown key",
    async () => ["study", "plan", await json("key.json", { ...specification, calbration: {} })],
    /InvalidStudySpec: calbration: unknown key \(did you mean calibration\?\)/,
  ],
  [
    "study start: a wrong type",
    async () => ["study", "start", await json("type.json", { ...specification, calibration: { sets: "two" } })],
    /InvalidStudySpec: calibration\.sets: .*expected number/,
  ],
  [
    "study start: no YAML",
    async () => ["study", "start", await file("bad.yaml", "name: [a\nb: c")],
    /InvalidStudySpec: This is not YAML.*line \d+, column \d+/,
  ],
  [
    "study start: no services",
    async () => ["study", "start", await json("good.json", specification)],
    /ServiceUnavailable: There is no Temporal server.*touchstone up/,
  ],
  ["study list: no services", () => ["study", "list"], /ServiceUnavailable: .*touchstone up/],
  [
    "bench: an unknown part",
    () => ["bench", "--only", "foward"],
    /InvalidSettings: .*"foward".*\(did you mean forward\?\).*--only/,
  ],
];

describe("bad input is one line that says what, where and what to do; nothing is on standard output", {
  concurrency: 2,
}, () => {
  for (const [title, args, said] of cases) {
    it(title, async () => {
      assertOneError(await touchstone(await args()), said);
      assert.equal(existsSync(out), false);
    });
  }

  it("study list: a Temporal server that doesn't answer", async () => {
    const ended = await touchstone(["study", "list"], { TEMPORAL_ADDRESS: "127.0.0.1:9" });
    assertOneError(ended, /ServiceUnavailable: The Temporal server does not answer.*127\.0\.0\.1:9.*touchstone/);
  });

  it("forward: a model in a store that isn't there", async () => {
    const env = { S3_ENDPOINT: "http://127.0.0.1:9", AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "b" };
    const ended = await touchstone(["forward", "s3://models/small", "--tokens", tokens, "--out", out], env);
    assertOneError(ended, /StorageUnavailable: The object store does not answer.*s3:\/\/models\/small/);
  });

  it("compress: weights that are not finite; what was written is removed", async () => {
    const weights = smallWeights();
    weights.get("model.layers.1.self_attn.v_proj.weight")!.data[0] = Number.NaN;
    const place = await mkdtemp(join(folder, "compressed-"));
    const args = ["compress", await writeModel(weights), "--method", '{"method":"rtn"}', "--out", join(place, "model")];
    const { code, stdout, stderr } = await touchstone(args);
    const errors = stderr.split("\n").filter((line) => /^[A-Z]\w+: /.test(line));
    assert.deepEqual([code, stdout, errors.length], [1, "", 1], stderr);
    assert.match(errors[0], /NumericalError: .*NaN or infinite.*model\.layers\.1\.self_attn\.v_proj\.weight/);
    assert.doesNotMatch(stderr, /^\s+at /m);
    assert.deepEqual(await readdir(place), []);
  });

  it("compress: a place with other files in it is left alone", async () => {
    const place = await mkdtemp(join(folder, "mine-"));
    await writeFile(join(place, "thesis.doc"), "mine");
    const args = ["compress", model, "--method", '{"method":"rtn"}', "--out", place];
    assertOneError(await touchstone(args), /InvalidSettings: .*mine-/);
    assert.deepEqual(await readdir(place), ["thesis.doc"]);
  });
});

describe("a full disk", () => {
  const full = "/dev/full";
  it("evaluate: results that can't be written", { skip: !existsSync(full) && `there is no ${full}` }, async () => {
    const { code, stdout, stderr } = await touchstone([
      "evaluate",
      model,
      "--tasks",
      "last_word",
      "--data",
      records,
      "--out",
      full,
    ]);
    const errors = stderr.split("\n").filter((line) => /^[A-Z]\w+: /.test(line));
    assert.deepEqual([code, stdout, errors.length], [1, "", 1], stderr);
    assert.match(errors[0], /DiskFull: The disk is full.*Free some space/);
  });

  it("compress: a model that doesn't fit, of which nothing is left", async (context) => {
    const place = await mkdtemp(join(folder, "small-disk-"));
    const mount = `mount -t tmpfs -o size=4k tmpfs ${place}`;
    const possible = await run("unshare", ["-rm", "sh", "-c", mount]).catch(() => undefined);
    if (possible?.code !== 0) return context.skip("no small file system can be mounted here");
    const command = `${process.execPath} ${cli} compress ${model} --method '{"method":"rtn"}' --out ${place}/model; code=$?; ls ${place}; exit $code`;
    const { code, stdout, stderr } = await run("unshare", ["-rm", "sh", "-c", `${mount} && ${command}`]);
    const errors = stderr.split("\n").filter((line) => /^[A-Z]\w+: /.test(line));
    assert.deepEqual([code, stdout, errors.length], [1, "", 1], stderr);
    assert.match(errors[0], /DiskFull: The disk is full.*Free some space/);
  });
});

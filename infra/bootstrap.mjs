// Entry of `npm run quickstart`, `npm test`, ... in a clean clone: plain JavaScript on Node alone, since nothing is installed yet.
// Installs the dependencies, builds, does the set-up that the task needs, and hands over to it.

import { spawn } from "node:child_process";
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const everything = ["tensorflow", "services", "model", "texts"];
const cli = ["node", "dist/client/cli.js"];

/** What each task needs and then runs; `tests` runs the test files of one kind. */
const tasks = {
  build: { parts: [], run: [] },
  setup: { parts: everything, run: [] },
  image: { parts: ["tensorflow"], run: [] },
  quickstart: { parts: everything, run: [[...cli, "quickstart"]] },
  fuzz: { parts: ["tensorflow"], run: [["node", "dist/test/fuzz/main.js"]] },
  simulate: { parts: ["tensorflow"], run: [["node", "dist/test/simulation/main.js"]] },
  rehearse: { parts: ["services"], run: [["node", "dist/bench/rehearsal/rehearse.js"]] },
  published: { parts: everything, run: [["node", "dist/bench/rehearsal/published.js"]] },
  bench: { parts: everything, run: [[...cli, "bench"]] },
  "bench:evaluate": { parts: ["tensorflow", "model"], run: [[...cli, "bench", "evaluate"]] },
  "bench:forward": { parts: ["tensorflow", "model"], run: [[...cli, "bench", "forward"]] },
  "bench:solve": { parts: ["tensorflow"], run: [[...cli, "bench", "solve"]] },
  test: {
    parts: everything,
    run: [["npm", "run", "--silent", "check"], "unit tests", "system tests"],
    note: "Exported models were not tried with other people's readers, which take 6 GB: npm run test:formats",
  },
  "test:unit": { parts: ["tensorflow", "model", "texts"], run: ["unit tests"] },
  "test:system": { parts: everything, run: ["system tests"] },
  "test:gpu": { parts: everything, gpu: true, run: ["GPU tests"] },
  "bench:gpu": { parts: everything, gpu: true, run: [[...cli, "bench", "--only", "forward,compress,evaluate"]] },
  chaos: { parts: everything, run: [["node", "dist/test/chaos/main.js"]] },
  histories: {
    parts: ["services"],
    run: [["env", "TOUCHSTONE_RECORD=1", "node", "--test", "dist/test/system/workflows.test.js"]],
  },
  "check:infra": { parts: ["checkers"], run: ["infrastructure checks"] },
  "test:formats": { parts: ["tensorflow", "model", "readers"], run: ["format tests"] },
  "test:tokenizers": { parts: ["model", "tokenizers"], run: ["tokenizer tests"] },
};

async function main([name = "", ...args]) {
  const task = tasks[name];
  if (task === undefined) fail(`Unknown task "${name}". There are: ${Object.keys(tasks).join(", ")}.`);
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 12))
    fail(`Node ${process.versions.node} is too old. Install Node 20.12 or newer.`);

  const started = performance.now();
  say("Setting up");
  if (!dependenciesInstalled()) {
    const install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"];
    await timed("installing dependencies (npm ci), usually 30 s", () => run(install));
  }
  await timed("building", () => run([join("node_modules", ".bin", "tsc")]));
  const kernels = ["--config", join("kernels", "asconfig.json")];
  await timed("compiling the kernels", () => run([join("node_modules", ".bin", "asc"), ...kernels]));
  linkProgram();
  const { bundleWorkflows } = await built("infra/bundle-workflows.js");
  await timed("bundling the workflows", bundleWorkflows).catch((error) => fail(error.message));
  const { setUp } = await built("infra/setup.js");
  await setUp(task.parts).catch((error) => fail(`${error.name}: ${error.message}`));
  say(`Set-up done in ${seconds(started)}`);
  if (task.gpu && !(await (await built("infra/native-tensorflow.js")).usesGpu()))
    return say("Skipped: TensorFlow uses no GPU here. `touchstone doctor` says why.");

  for (const step of task.run) {
    const command = typeof step === "string" ? testCommand(step) : step;
    if (command === undefined) say(`There are no ${step}`);
    else await run([...command, ...(step === task.run.at(-1) ? args : [])]);
  }
  if (task.note !== undefined) say(task.note);
}

/** Whether node_modules holds what package-lock.json asks for, by the list that npm leaves at the end of an installation. */
function dependenciesInstalled() {
  const read = (path) => JSON.parse(readFileSync(join(root, path), "utf8")).packages;
  if (!existsSync(join(root, "node_modules", ".package-lock.json"))) return false;
  const installed = read(join("node_modules", ".package-lock.json"));
  return Object.entries(read("package-lock.json")).every(([path, wanted]) => {
    const found = installed[path];
    // npm leaves out optional packages that are for other platforms.
    if (found === undefined)
      return path === "" || wanted.optional === true || wanted.devOptional === true || wanted.link === true;
    return found.version === wanted.version && found.integrity === wanted.integrity;
  });
}

/** What computes with tensors: operations, layers against the reference implementations, models, and whole cases. */
const onGpu =
  /^(tensor|compression\/(reference|column|invariance|extreme|block)|models\/(reference|families|smollm2)|system\/endtoend)/;

/** Their files share a device, or take gigabytes. */
const alone = new Set(["GPU tests", "format tests", "tokenizer tests"]);

/** Test files are those compiled from sources that still exist. Undefined when there are none. */
function testCommand(kind) {
  const folder = join(root, "test");
  const files = readdirSync(folder, { recursive: true })
    .filter((file) => file.endsWith(".test.ts") && (kind === "GPU tests" ? onGpu.test(file) : kindOf(file) === kind))
    .map((file) => join("dist", "test", file.replace(/\.ts$/, ".js")))
    .sort();
  // A file that hangs is told by its name. Each file's servers are its own: files wait for them as much as they compute.
  const options = kind === "unit tests" ? [`--test-timeout=${20 * 60_000}`] : [];
  const atOnce = alone.has(kind) ? 1 : 2;
  return files.length === 0 ? undefined : ["node", "--test", `--test-concurrency=${atOnce}`, ...options, ...files];
}

/** The last three kinds need other people's programs (6, 0.3 and 0.2 GB), and are no part of `npm test`. */
function kindOf(file) {
  const kinds = {
    system: "system tests",
    formats: "format tests",
    tokenizers: "tokenizer tests",
    manifests: "infrastructure checks",
  };
  return kinds[file.split(sep)[0]] ?? "unit tests";
}

/** Makes the project's own program what `touchstone` means here, as npm does for those of dependencies. */
function linkProgram() {
  const { bin } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  for (const [name, file] of Object.entries(bin)) {
    const link = join(root, "node_modules", ".bin", name);
    chmodSync(join(root, file), 0o755);
    rmSync(link, { force: true });
    symlinkSync(relative(dirname(link), join(root, file)), link);
  }
}

function built(file) {
  return import(new URL(`../dist/${file}`, import.meta.url).href);
}

async function timed(title, work) {
  const started = performance.now();
  process.stderr.write(`  … ${title}\n`);
  const timer = setInterval(() => process.stderr.write(`    ${title}: ${seconds(started)}\n`), 10_000);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  process.stderr.write(`  ✓ ${title.split(",")[0]} (${seconds(started)})\n`);
}

/** Runs a command on this terminal; when it fails, ends as it did. */
function run([program, ...args]) {
  return new Promise((resolve) => {
    const child = spawn(program === "node" ? process.execPath : program, args, { cwd: root, stdio: "inherit" });
    child.on("error", (error) => fail(`${program} can't be run: ${error.message}`));
    child.on("close", (code, signal) => {
      if (code === 0) return resolve();
      process.stderr.write(`${program} ${args.slice(0, 3).join(" ")} failed (${signal ?? code}).\n`);
      process.exit(code ?? 1);
    });
  });
}

function seconds(since) {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}

function say(line) {
  process.stderr.write(`${line}\n`);
}

function fail(message) {
  say(message);
  process.exit(1);
}

await main(process.argv.slice(2));

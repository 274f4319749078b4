import { Command, InvalidArgumentError, Option } from "commander";
import { TouchstoneError } from "../study/errors.js";
import { MEMORY_MESSAGE, MEMORY_PATTERN, parseMemory } from "../study/memory.js";
import { type QueueName, queueNames } from "./queues.js";
import { installRuntime } from "./runtime.js";
import { runWorker, type WorkerOptions } from "./worker.js";

/** Entry of a worker process; `touchstone worker` and `touchstone up` start it. */

interface Options extends Omit<WorkerOptions, "version"> {
  metrics?: string;
  deployment?: string;
  buildId?: string;
}

const everything: readonly QueueName[] = ["orchestration", "compute"];

const command = new Command("touchstone-worker")
  .addOption(
    new Option("--queues <names>", `any of ${queueNames.join(", ")}, with commas between`)
      .default(everything, everything.join(","))
      .argParser(parseQueues),
  )
  .option("--slots <count>", "compute processes: one a GPU, or a share of the cores", parseCount, 1)
  .option(
    "--threads <count>",
    "threads of each compute process (default: the cores divided among the slots)",
    parseCount,
  )
  .option(
    "--memory <size>",
    'what each compute process may take, e.g. "12GiB", before another takes its place (default: 90 % of the machine\'s, divided among the slots)',
    parseSize,
  )
  .option("--stall-seconds <count>", "a compute process that says nothing for so long is ended", parseCount, 300)
  .option("--metrics <address>", "serve Prometheus metrics at [HOST:]PORT (default: off)", parseAddress)
  .option("--health <address>", "answer probes, /live and /ready, at [HOST:]PORT (default: off)", parseAddress)
  .addOption(
    new Option("--deployment <name>", "worker versioning: the worker deployment; goes with --build-id").env(
      "TOUCHSTONE_DEPLOYMENT",
    ),
  )
  .addOption(
    new Option("--build-id <id>", "worker versioning: the version, which gets work once it is made current").env(
      "TOUCHSTONE_BUILD_ID",
    ),
  )
  .parse();

const { metrics, deployment, buildId, ...options } = command.opts<Options>();
// An empty variable is one that isn't given.
if (Boolean(deployment) !== Boolean(buildId)) command.error("error: --deployment and --build-id go together");
const version = deployment && buildId ? { deploymentName: deployment, buildId } : undefined;

try {
  installRuntime(metrics);
  await runWorker({ ...options, version });
} catch (error) {
  if (!(error instanceof TouchstoneError)) throw error;
  process.stderr.write(`${error.name}: ${error.message}\n`);
  process.exit(1);
}

function parseQueues(text: string): QueueName[] {
  const names = text.split(",");
  const unknown = names.find((name) => !queueNames.includes(name as QueueName));
  if (unknown !== undefined) throw new InvalidArgumentError(`There is no queue "${unknown}".`);
  return names as QueueName[];
}

/** Without a host only this machine can read them. */
function parseAddress(text: string): string {
  const [, host = "127.0.0.1", port] = /^(?:(.+):)?(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined || Number(port) > 65535) throw new InvalidArgumentError("Give a port, or HOST:PORT.");
  return `${host === "localhost" ? "127.0.0.1" : host}:${port}`;
}

function parseSize(text: string): number | undefined {
  if (!MEMORY_PATTERN.test(text)) throw new InvalidArgumentError(`It ${MEMORY_MESSAGE}.`);
  return parseMemory(text);
}

function parseCount(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError("Give a whole number from 1 on.");
  return Number(text);
}

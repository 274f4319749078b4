import { Command, InvalidArgumentError, Option } from "commander";
import { taskQueues } from "../study/names.js";
import { installLogging } from "./logging.js";
import { type QueueName, runWorker } from "./worker.js";

/** Entry of a worker process; `touchstone worker` and `touchstone up` start it. */

const queueNames = Object.keys(taskQueues) as QueueName[];

const options = new Command("touchstone-worker")
  .addOption(
    new Option("--queues <names>", `any of ${queueNames.join(", ")}, with commas between`)
      .default(queueNames, queueNames.join(","))
      .argParser(parseQueues),
  )
  .option("--slots <count>", "compute processes: one a GPU, or a share of the cores", parseCount, 1)
  .option(
    "--threads <count>",
    "threads of each compute process (default: the cores divided among the slots)",
    parseCount,
  )
  .parse()
  .opts<{ queues: QueueName[]; slots: number; threads?: number }>();

installLogging();
await runWorker(options);

function parseQueues(text: string): QueueName[] {
  const names = text.split(",");
  const unknown = names.find((name) => !queueNames.includes(name as QueueName));
  if (unknown !== undefined) throw new InvalidArgumentError(`There is no queue "${unknown}".`);
  return names as QueueName[];
}

function parseCount(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError("Give a whole number from 1 on.");
  return Number(text);
}

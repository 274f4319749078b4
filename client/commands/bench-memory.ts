import { Command } from "commander";
import { benchMemory } from "../../bench/memory.js";
import { renderBenchTable } from "../../bench/table.js";
import { createProgress } from "../../infra/progress.js";
import { MEMORY_HELP, parseMemoryOption } from "./memory-option.js";
import { printJson } from "./output.js";
import { parseCount } from "./parse-count.js";

const GIB = 2 ** 30;

interface MemoryBenchOptions {
  memory: number;
  blocks: number;
  records: number;
  json?: boolean;
}

/** `touchstone bench memory`: how much memory the evaluation of a model of LLaMA-7B's shape takes. */
export function benchMemoryCommand(): Command {
  return new Command("memory")
    .description("measure the memory that scoring with a model of LLaMA-7B's shape (random weights) takes")
    .option("--memory <amount>", MEMORY_HELP, parseMemoryOption, 4 * GIB)
    .option("--blocks <count>", "blocks of the model", parseCount, 2)
    .option("--records <count>", "records of four choices", parseCount, 20)
    .option("--json", "print one JSON document")
    .action(async ({ memory, blocks, records, json }: MemoryBenchOptions) => {
      const figures = await benchMemory({ memory, blocks, records }, createProgress());
      if (json) return printJson(figures);
      const gibibytes = (bytes: number) => (bytes / GIB).toFixed(2);
      process.stdout.write(
        renderBenchTable("memory", {
          head: ["LLaMA-7B's shape", "requests", "tokens", "seconds", "GiB asked for", "GiB at most"],
          rows: [
            [
              `${figures.blocks} blocks`,
              String(figures.requests),
              String(figures.tokens),
              figures.seconds.toFixed(1),
              gibibytes(figures.memory),
              gibibytes(figures.peak),
            ],
          ],
        }),
      );
    });
}

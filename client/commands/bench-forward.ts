import { Command } from "commander";
import { benchForwardBlocks, type ForwardBlocks } from "../../bench/forward-blocks.js";
import { renderBenchTable } from "../../bench/table.js";
import { createProgress } from "../../infra/progress.js";
import { printJson } from "./output.js";

/** `touchstone bench forward`: the blocks alone, beside their products and transformers. */
export function benchForwardCommand(): Command {
  return new Command("forward")
    .description("measure a pass through the blocks of the quickstart's model, and transformers' with --python")
    .option("--python <path>", "a Python that has torch and transformers")
    .option("--json", "print one JSON document")
    .action(async ({ python, json }: { python?: string; json?: boolean }) => {
      const figures = await benchForwardBlocks(python, createProgress());
      if (json) printJson(figures);
      else process.stdout.write(render(figures));
    });
}

function render({ machine, shapes }: ForwardBlocks): string {
  return renderBenchTable("blocks", {
    head: [
      "[sequences, tokens]",
      "seconds",
      "projections alone",
      "times these",
      "GFLOP/s",
      "of the limit",
      "transformers",
      "times as fast",
    ],
    rows: shapes.map(({ sequences, tokens, seconds, projections, gflops, transformers }) => [
      `[${sequences}, ${tokens}]`,
      seconds.toFixed(2),
      projections.toFixed(2),
      (seconds / projections).toFixed(2),
      gflops.toFixed(1),
      `${((100 * gflops) / machine.gflops).toFixed(0)} %`,
      transformers?.toFixed(2) ?? "",
      transformers === undefined ? "" : (transformers / seconds).toFixed(2),
    ]),
    notes: [
      "all blocks, no embedding and no head, weights in memory, the fastest of five passes; GFLOP/s counts the projections",
      `limit: the fastest product, ${machine.gflops.toFixed(1)} GFLOP/s, ${machine.threads} threads`,
    ],
  });
}

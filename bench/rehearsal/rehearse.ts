import { Command } from "commander";
import { printJson, renderTable } from "../../client/commands/output.js";
import { parseCount, parseWhole } from "../../client/commands/parse-count.js";
import { TouchstoneError } from "../../study/errors.js";
import { runRehearsal, withRehearsalServices } from "./services.js";
import { SLEEP_VARIABLE } from "./steps.js";
import { type RehearsedStudy, rehearsalSpec, rehearseStudy } from "./study.js";

/** Entry of `npm run rehearse`: a study of many cells on real servers and workers, whose steps only commit. */

interface Options {
  cells: number;
  blocks: number;
  workers: number;
  window: number;
  milliseconds: number;
  json?: boolean;
}

type Rehearsal = RehearsedStudy & { peakMemory: Record<string, number> };

const options = new Command("rehearse")
  .description("run a study of many cells whose steps compute nothing, on real servers and workers, and measure it")
  .option("--cells <count>", "at least", parseCount, 20_000)
  .option("--blocks <count>", "blocks of its model", parseCount, 2)
  .option("--workers <count>", "worker processes", parseCount, 2)
  .option("--window <count>", "cells that run at a time", parseCount, 20)
  .option("--milliseconds <count>", "that each block and each evaluation sleeps", parseWhole, 0)
  .option("--json", "print one JSON document")
  .parse()
  .opts<Options>();

await runRehearsal(async () => {
  const rehearsal = await rehearse(options);
  if (options.json) printJson(rehearsal);
  else process.stdout.write(render(rehearsal));
  const { cells, committed, repeated } = rehearsal;
  if (committed !== cells || repeated > 0) {
    throw new TouchstoneError("StudyIncomplete", {
      what: `Of ${cells} cells ${committed} were committed, ${repeated} more than once`,
    });
  }
});

function rehearse({ cells, blocks, workers, window, milliseconds, json }: Options): Promise<Rehearsal> {
  const say = (done: number, total: number) => process.stderr.write(`  ${done} of ${total} cells\n`);
  return withRehearsalServices({}, async ({ startWorker, peakMemory }) => {
    const program = new URL("./worker.js", import.meta.url);
    for (let i = 0; i < workers; i++) await startWorker(program, { [SLEEP_VARIABLE]: String(milliseconds) });
    const study = await rehearseStudy(rehearsalSpec("rehearsal", cells, blocks, window), json ? undefined : say);
    return { ...study, peakMemory: await peakMemory() };
  });
}

function render({ cells, seconds, committed, repeated, histories, peakMemory }: Rehearsal): string {
  const types = Object.entries(histories).map(([type, { runs, events, bytes }]) =>
    [type, runs, events, (bytes / 1024).toFixed(0)].map(String),
  );
  const memory = Object.entries(peakMemory).map(([name, bytes]) => `${name} ${(bytes / 2 ** 20).toFixed(0)} MiB`);
  return [
    `${cells} cells in ${seconds.toFixed(0)} s: ${(cells / seconds).toFixed(1)} a second`,
    `${committed} committed, ${repeated} of them more than once`,
    renderTable(["workflow", "runs", "events of the longest", "its KiB"], types, [1, 2, 3]),
    `memory at most: ${memory.join(", ")}`,
    "",
  ].join("\n");
}

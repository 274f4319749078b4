import { Command } from "commander";
import type { Part, StudyHandle } from "../study-handle.js";
import { parseCount } from "./parse-count.js";
import { withClient } from "./with-client.js";

/** `touchstone study pause | resume | cancel | retry | skip | concurrency`: what is asked of a study that was started. */
export function studyControlCommands(): Command[] {
  return [
    control("pause", "start no new block or task; what runs is finished", (study, part) => study.pause(part)),
    control("resume", "go on after a pause", (study, part) => study.resume(part)),
    cancelCommand(),
    control("retry", "try failed cells again, and skipped ones", (study, part) => study.retryFailed(part)),
    skipCommand(),
    concurrencyCommand(),
  ];
}

function cancelCommand(): Command {
  return new Command("cancel")
    .description("end a study, one model's sweep alone, or a search; what is done is kept")
    .argument("<study>", "name of the study, or of a search")
    .option("--model <id>", "of this model's sweep only")
    .action((name: string, part: Part) =>
      withClient(async (touchstone) => {
        const found = part.model === undefined ? await touchstone.find(name) : touchstone.study(name);
        if (await found.isRunning()) await found.cancel(part);
        else console.error(`${name} has ended: there is nothing to cancel.`);
      }),
    );
}

function skipCommand(): Command {
  return new Command("skip")
    .description("leave out a cell that isn't done, until `retry`")
    .argument("<study>", "name of the study")
    .argument("<cell>", "as `study status`, reports and the UI name it: MODEL/METHOD/SOURCE-nSIZE-setSET")
    .requiredOption("--reason <text>", "kept with it, and shown in the report")
    .action((name: string, cell: string, { reason }: { reason: string }) =>
      withClient((touchstone) => touchstone.study(name).skipCell(cell, reason)),
    );
}

function concurrencyCommand(): Command {
  return new Command("concurrency")
    .description("set how many cells run at a time, until the study ends")
    .argument("<study>", "name of the study")
    .argument("<cells>", "from 1 on", parseCount)
    .option("--model <id>", "of this model's sweep only")
    .action((name: string, cells: number, part: Part) =>
      withClient((touchstone) => touchstone.study(name).setConcurrency(cells, part)),
    );
}

function control(verb: string, description: string, act: (study: StudyHandle, part: Part) => Promise<void>): Command {
  return new Command(verb)
    .description(description)
    .argument("<study>", "name of the study")
    .option("--model <id>", "of this model's sweep only")
    .action((name: string, part: Part) => withClient((touchstone) => act(touchstone.study(name), part)));
}

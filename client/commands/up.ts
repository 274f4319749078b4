import { Command } from "commander";
import { createProgress } from "../../infra/progress.js";
import { up } from "../../infra/services.js";
import { taskQueues } from "../../study/names.js";
import { printJson } from "./output.js";
import { renderStatus } from "./status.js";

/** `touchstone up`: the services that studies need, in the background. */
export function upCommand(): Command {
  return new Command("up")
    .description("start the Temporal server and the object store in the background, unless your own are configured")
    .option("--worker", "start a worker too")
    .option("--json", "print one JSON document")
    .action(async ({ worker, json }: { worker?: boolean; json?: boolean }) => {
      const services = await up({
        progress: createProgress(),
        worker: worker ? { taskQueue: taskQueues.orchestration } : undefined,
      });
      if (json) printJson({ services });
      else process.stdout.write(renderStatus(services));
    });
}

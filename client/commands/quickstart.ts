import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Command } from "commander";
import { createProgress, formatSeconds } from "../../infra/progress.js";
import { up } from "../../infra/services.js";
import { checkoutFolder } from "../../storage/home.js";
import { taskQueues } from "../../study/names.js";
import type { StudySpecInput } from "../../study/spec.js";
import { loadSpec } from "../load-spec.js";
import { studyPage } from "../pages.js";
import { Touchstone } from "../touchstone.js";
import { finish } from "./study.js";

/** `touchstone quickstart`: a real study of a small real model, from the services to the report. */
export function quickstartCommand(): Command {
  return new Command("quickstart")
    .description("run the study of studies/quickstart.yaml on services of this machine")
    .action(async () => {
      const started = performance.now();
      await up({ worker: { taskQueue: taskQueues.orchestration }, progress: createProgress() });
      const spec = (await loadSpec(join(checkoutFolder, "studies", "quickstart.yaml"))) as StudySpecInput;
      const touchstone = await Touchstone.connect();
      try {
        const study = await touchstone.start(spec);
        const page = await studyPage(study.workflowId);
        process.stderr.write(`Study ${study.name} is running; what is done is kept if you stop it\n  ${page ?? ""}\n`);
        const { summary, localReport } = await finish(study);
        const seconds = (performance.now() - started) / 1000;
        process.stdout.write(
          [
            summary,
            "",
            `Study finished in ${formatSeconds(seconds)}.`,
            `Report:           ${pathToFileURL(localReport).href}`,
            `Study in the UI:  ${page ?? "in your Temporal UI"}`,
            "",
          ].join("\n"),
        );
      } finally {
        await touchstone.close();
      }
    });
}

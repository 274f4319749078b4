import { Command } from "commander";
import { down } from "../../infra/services.js";
import { printJson } from "./output.js";

/** `touchstone down`: ends exactly what `touchstone up` has started. */
export function downCommand(): Command {
  return new Command("down")
    .description("stop what `touchstone up` has started; what is stored stays")
    .option("--json", "print one JSON document")
    .action(async ({ json }: { json?: boolean }) => {
      const stopped = await down();
      if (json) printJson({ stopped });
      else process.stdout.write(stopped.length === 0 ? "Nothing was running.\n" : `Stopped ${stopped.join(", ")}.\n`);
    });
}

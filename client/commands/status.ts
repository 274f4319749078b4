import { Command } from "commander";
import { type ServiceStatus, status } from "../../infra/services.js";
import { printJson, renderTable } from "./output.js";

/** `touchstone status`: which services run, and where. */
export function statusCommand(): Command {
  return new Command("status")
    .description("show which services run, where they are reached and where their logs lie")
    .option("--json", "print one JSON document")
    .action(async ({ json }: { json?: boolean }) => {
      const services = await status();
      if (json) printJson({ services });
      else process.stdout.write(renderStatus(services));
    });
}

export function renderStatus(services: readonly ServiceStatus[]): string {
  const rows = services.map(({ name, state, address, ui, pid, log }) => [
    name,
    state === "configured" ? "your own" : state,
    address ?? "",
    ui ?? "",
    pid === undefined ? "" : String(pid),
    log ?? "",
  ]);
  return `${renderTable(["service", "state", "address", "web page", "process", "log"], rows)}\n`;
}

import { Command } from "commander";
import { type CheckResult, doctor } from "../../infra/doctor.js";
import { taskQueues } from "../../study/names.js";
import { printJson, renderTable } from "./output.js";

/** `touchstone doctor`: ends with code 1 where something is missing that a study needs. */
export function doctorCommand(): Command {
  return new Command("doctor")
    .description("check everything that a study needs, and say how to get what is missing")
    .option("--json", "print one JSON document")
    .action(async ({ json }: { json?: boolean }) => {
      const checks = await doctor({
        taskQueue: taskQueues.orchestration,
        stepQueues: [taskQueues.store, taskQueues.planning],
      });
      const ok = checks.every((check) => check.ok || !check.needed);
      if (json) printJson({ ok, checks });
      else process.stdout.write(renderChecks(checks, ok));
      if (!ok) process.exitCode = 1;
    });
}

export function renderChecks(checks: readonly CheckResult[], ok: boolean): string {
  const table = renderTable(
    ["", "check", "found"],
    checks.map(({ check, ok, needed, detail }) => [ok ? "ok" : needed ? "MISSING" : "absent", check, detail]),
  );
  const todos = checks.flatMap(({ check, todo }) => (todo === undefined ? [] : [`  ${check}: ${todo}`]));
  const verdict = ok ? "Studies can run." : "Something that studies need is missing.";
  return [table, ...(todos.length === 0 ? [] : ["", "What to do:", ...todos]), "", verdict, ""].join("\n");
}

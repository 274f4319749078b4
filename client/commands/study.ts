import { Command } from "commander";
import { parseStudySpec, type StudySpecInput } from "../../study/spec.js";
import { loadSpec } from "../load-spec.js";
import { studyPage } from "../pages.js";
import type { StudyHandle } from "../study-handle.js";
import { type StudyListing, Touchstone } from "../touchstone.js";
import { printJson, renderTable } from "./output.js";
import { renderView, showJson, showProgress } from "./study-display.js";
import { studyPlanCommand } from "./study-plan.js";

/** `touchstone study ...` */
export function studyCommand(): Command {
  return new Command("study")
    .description("plan, start, watch and control calibration studies")
    .addCommand(studyPlanCommand())
    .addCommand(startCommand())
    .addCommand(watchCommand())
    .addCommand(statusCommand())
    .addCommand(listCommand())
    .addCommand(control("pause", "start no new block or task; what runs is finished", (study) => study.pause()))
    .addCommand(control("resume", "go on after a pause", (study) => study.resume()))
    .addCommand(control("cancel", "end the study; what is done is kept", (study) => study.cancel()))
    .addCommand(control("retry", "try failed cells again", (study) => study.retryFailed()))
    .addCommand(reportCommand());
}

function startCommand(): Command {
  return new Command("start")
    .description("start a study, or resume it: what is done is not computed again")
    .argument("<spec>", "specification, YAML or JSON")
    .option("--wait", "show its progress, and its report at the end")
    .option("--json", "print one JSON document")
    .action(async (file: string, { wait, json }: { wait?: boolean; json?: boolean }) => {
      const input = (await loadSpec(file)) as StudySpecInput;
      const { name } = parseStudySpec(input);
      await withClient(async (touchstone) => {
        const study = await touchstone.start(input);
        const page = await studyPage(study.workflowId);
        if (!wait) {
          if (json) printJson({ name, workflowId: study.workflowId, page });
          else
            process.stdout.write(`Study ${name} is running. Watch it: touchstone study watch ${name}\n${page ?? ""}\n`);
          return;
        }
        const outcome = await finish(study);
        if (json) printJson({ ...outcome, page });
        else
          process.stdout.write(
            `${outcome.summary}\n\nReport:  ${outcome.localReport}\nUI:      ${page ?? "your Temporal UI"}\n`,
          );
      });
    });
}

/** Shows the progress until the end, and copies the report into `reports/NAME/`. */
export async function finish(study: StudyHandle) {
  await showProgress(study);
  try {
    const summary = await study.result();
    return { ...summary, localReport: await study.report(reportFolder(study.name)) };
  } catch (error) {
    const report = await study.report(reportFolder(study.name)).catch(() => undefined);
    if (report !== undefined) process.stderr.write(`Report of what is done: ${report}\n`);
    throw error;
  }
}

function watchCommand(): Command {
  return new Command("watch")
    .description("show a study until it ends: counts by model and method, what runs and where, what failed, workers")
    .argument("<study>", "name of the study")
    .option("--json", "print one JSON document a line at every change")
    .action((name: string, { json }: { json?: boolean }) =>
      withClient((touchstone) =>
        json ? showJson(touchstone.study(name)) : showProgress(touchstone.study(name), process.stdout),
      ),
    );
}

function statusCommand(): Command {
  return new Command("status")
    .description("show where a study stands")
    .argument("<study>", "name of the study")
    .option("--json", "print one JSON document")
    .action((name: string, { json }: { json?: boolean }) =>
      withClient(async (touchstone) => {
        const view = await touchstone.study(name).progress();
        if (json) printJson({ name, ...view });
        else process.stdout.write(`${renderView(name, view)}\n`);
      }),
    );
}

function listCommand(): Command {
  return new Command("list")
    .description("list the studies that the server remembers")
    .option("--json", "print one JSON document")
    .action(({ json }: { json?: boolean }) =>
      withClient(async (touchstone) => {
        const studies: StudyListing[] = [];
        for await (const found of touchstone.list()) studies.push(found);
        if (json) return printJson({ studies });
        const rows = studies.map(({ name, status, done, failed, started }) => [
          name,
          status.toLowerCase(),
          String(done),
          String(failed),
          started.toISOString().slice(0, 16).replace("T", " "),
        ]);
        process.stdout.write(`${renderTable(["study", "status", "cells done", "failed", "started"], rows, [2, 3])}\n`);
      }),
    );
}

function reportCommand(): Command {
  return new Command("report")
    .description("write a study's report into a folder; of a study that runs, of what is done by now")
    .argument("<study>", "name of the study")
    .option("--out <folder>", "folder for index.html, report.csv and report.json (default: reports/STUDY)")
    .option("--json", "print one JSON document")
    .action((name: string, { out, json }: { out?: string; json?: boolean }) =>
      withClient(async (touchstone) => {
        const report = await touchstone.study(name).report(out ?? reportFolder(name));
        if (json) printJson({ name, report });
        else process.stdout.write(`${report}\n`);
      }),
    );
}

function control(verb: string, description: string, act: (study: StudyHandle) => Promise<void>): Command {
  return new Command(verb)
    .description(description)
    .argument("<study>", "name of the study")
    .action((name: string) => withClient((touchstone) => act(touchstone.study(name))));
}

async function withClient<T>(work: (touchstone: Touchstone) => Promise<T>): Promise<T> {
  const touchstone = await Touchstone.connect();
  try {
    return await work(touchstone);
  } finally {
    await touchstone.close();
  }
}

function reportFolder(study: string): string {
  return `reports/${study}`;
}

import { Command } from "commander";
import { parseStudySpec, type StudySpecInput } from "../../study/spec.js";
import { loadSpec } from "../load-spec.js";
import { studyPage } from "../pages.js";
import { type Preview, previewOf } from "../preview.js";
import { SearchHandle } from "../search-handle.js";
import type { StudyHandle } from "../study-handle.js";
import type { Touchstone } from "../touchstone.js";
import { printJson } from "./output.js";
import { renderFound, showSearch, showSearchJson } from "./search-display.js";
import { studyControlCommands } from "./study-control.js";
import { showJson, showProgress } from "./study-display.js";
import { studyInspectCommand } from "./study-inspect.js";
import { studyPlanCommand } from "./study-plan.js";
import { studySearchCommand } from "./study-search.js";
import { studyListCommand, studyStatusCommand } from "./study-status.js";
import { withClient } from "./with-client.js";

/** `touchstone study ...` */
export function studyCommand(): Command {
  const study = new Command("study")
    .description("plan, start, watch and control calibration studies")
    .addCommand(studyPlanCommand())
    .addCommand(studyInspectCommand())
    .addCommand(startCommand())
    .addCommand(studySearchCommand())
    .addCommand(watchCommand())
    .addCommand(studyStatusCommand())
    .addCommand(studyListCommand())
    .addCommand(reportCommand());
  return studyControlCommands().reduce((all, each) => all.addCommand(each), study);
}

interface StartOptions {
  wait?: boolean;
  dryRun?: boolean;
  json?: boolean;
}

function startCommand(): Command {
  return new Command("start")
    .description("start a study, or resume it: what is done is not computed again")
    .argument("<spec>", "specification, YAML or JSON")
    .option("--wait", "show its progress, and its report at the end")
    .option("--dry-run", "say what it would add to what was computed under the name, and start nothing")
    .option("--json", "print one JSON document")
    .action(async (file: string, { wait, dryRun, json }: StartOptions) => {
      const input = (await loadSpec(file)) as StudySpecInput;
      if (dryRun) {
        const preview = await previewOf(input);
        if (json) printJson(preview);
        else process.stdout.write(renderPreview(preview));
        return;
      }
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

function renderPreview({ name, extends: known, cells, newCells, newEvaluations }: Preview): string {
  if (known === null) return `${name} is new: ${cells} cells.\n`;
  const evaluations = newEvaluations.length === 0 ? "none" : newEvaluations.join(", ");
  return `${name} has ${known.cells} cells; new would be ${newCells}. New evaluations of every cell: ${evaluations}.\n`;
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
    .argument("<study>", "name of the study, or of a search")
    .option("--json", "print one JSON document a line at every change")
    .action((name: string, { json }: { json?: boolean }) =>
      withClient(async (touchstone) => {
        const found = await touchstone.find(name);
        if (found instanceof SearchHandle) await (json ? showSearchJson(found) : watchSearch(touchstone, found));
        else await (json ? showJson(found) : showProgress(found, process.stdout));
      }),
    );
}

/** Round by round, and at the end what it found. */
async function watchSearch(touchstone: Touchstone, search: SearchHandle): Promise<void> {
  const { found } = await showSearch(touchstone, search, process.stdout);
  process.stdout.write(`${renderFound(found)}\n`);
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

function reportFolder(study: string): string {
  return `reports/${study}`;
}

import type { ExportOptions } from "../compression/export-format.js";
import { type ExportReport, exportModel } from "../compression/export-model.js";
import type { Beside } from "../compression/packed-model.js";
import { buildReport } from "../report/build.js";
import { renderEvidence, resultsAbout } from "../report/evidence.js";
import { identity } from "../storage/identity.js";
import type { StoreLocation } from "../storage/store.js";
import { TouchstoneError } from "../study/errors.js";
import { cellName } from "../study/names.js";
import type { CellManifest } from "./cell-manifest.js";
import { manifestOfCell } from "./find-manifest.js";
import { openPackedCell } from "./packed-cell.js";
import { studyResults } from "./report-study.js";
import type { StepContext } from "./step.js";

const FOLDER = "evidence";

/**
 * Writes a cell's compressed model with its calibration set and the evidence: what it measured, what the study found of its model
 * and method, and the manifest by which anybody can compute it anew.
 * @param name STUDY/MODEL/METHOD/SOURCE-nN-setK
 * @throws TouchstoneError as `openPackedCell` and `exportModel`; StudyIncomplete where the cell isn't evaluated yet
 */
export async function publishCell(
  name: string,
  out: string,
  options: ExportOptions,
  location: StoreLocation,
  context: StepContext,
): Promise<ExportReport & { files: string[] }> {
  const slash = name.indexOf("/");
  const manifest = await manifestOfCell(name.slice(0, slash), name.slice(slash + 1), location, context);
  const beside = await evidenceOf(manifest, location, context);
  const packed = await openPackedCell(name, location, context);
  try {
    const report = await exportModel(packed, out, { ...options, beside }, (done, total) =>
      context.report({ stage: "writing the model", done, total }),
    );
    return { ...report, files: Array.from(beside.files.keys()) };
  } finally {
    await packed.close();
  }
}

async function evidenceOf(manifest: CellManifest, location: StoreLocation, context: StepContext): Promise<Beside> {
  const { study: name, plan, cell } = manifest;
  const all = await studyResults({ study: { name, plan: identity(plan), ...location } }, context);
  const result = all.cells.find((each) => cellName(each) === cellName(cell));
  if (result === undefined) {
    throw new TouchstoneError("StudyIncomplete", {
      what: "The cell has no result in the store",
      where: `${name}/${cellName(cell)}`,
      todo: "Start the study again, and wait for it.",
    });
  }
  const about = resultsAbout(all, result);
  const { html, csv, json } = buildReport(about);
  const files = new Map([
    [`${FOLDER}/result.json`, `${JSON.stringify(result, null, 2)}\n`],
    [`${FOLDER}/manifest.json`, `${JSON.stringify(manifest, null, 1)}\n`],
    [`${FOLDER}/report.html`, html],
    [`${FOLDER}/report.csv`, csv],
    [`${FOLDER}/report.json`, json],
  ]);
  return { sections: ["## Evidence", renderEvidence(about, result), FILES, howToReproduce(manifest)], files };
}

const FILES = [
  `- \`${FOLDER}/result.json\`: all that this model was measured at`,
  `- \`${FOLDER}/report.html\` (\`.csv\`, \`.json\`): the study's figures of the dense model and of this method, set by set`,
  `- \`${FOLDER}/manifest.json\`: what it was computed from and by, and the SHA-256 of what each step gave`,
].join("\n");

function howToReproduce({ plan }: CellManifest): string {
  const { numerics, backend, threads } = plan.environment;
  return [
    "## How to compute it anew",
    `With Touchstone's numerics ${numerics}, backend ${backend} and ${threads} ${threads === 1 ? "thread" : "threads"}, and the inputs where the manifest's \`plan\` says that they were:`,
    "```\nnpx --no-install touchstone reproduce evidence/manifest.json\n```",
    "It computes calibration set, blocks and evaluations, and says whether all bytes have these digests, or where they part.",
  ].join("\n\n");
}

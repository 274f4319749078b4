import { Command } from "commander";
import { isDone, parseCellManifest, readCellManifest } from "../../activities/cell-manifest.js";
import { type FoundManifest, latestPlan, manifestOfCell, manifestWithKey } from "../../activities/find-manifest.js";
import { createProcessState } from "../../activities/process-state.js";
import type { Reproduction } from "../../activities/reproduce.js";
import { requireInputs } from "../../activities/reproduce-checks.js";
import type { StepContext } from "../../activities/step.js";
import { cellsOfPlan } from "../../activities/stored-studies.js";
import { createProgress } from "../../infra/progress.js";
import { fileExists, isS3, readFile } from "../../storage/files.js";
import { openStore, type StoreLocation } from "../../storage/store.js";
import { TouchstoneError } from "../../study/errors.js";
import { cellName } from "../../study/names.js";
import { reproduceInProcesses } from "../reproduction/reproduce-in-processes.js";
import { useStore } from "../services.js";
import { printJson, renderTable } from "./output.js";
import { parseCount } from "./parse-count.js";

interface ReproduceCommandOptions {
  study?: string;
  cell?: string;
  anyway?: boolean;
  processes: number;
  bucket?: string;
  prefix?: string;
  json?: boolean;
}

/** What is to be computed anew, and where its recorded bytes lie. */
interface Wanted {
  found: FoundManifest[];
  /** Cells of the study that have no result. */
  undone: string[];
  location?: StoreLocation;
}

/** `touchstone reproduce`: computes stored results anew and compares bytes; needs the object store, and no Temporal. */
export function reproduceCommand(): Command {
  return new Command("reproduce")
    .description("compute stored results anew, here and without Temporal, and say whether the bytes are equal")
    .argument(
      "[manifest]",
      "a cell (STUDY/MODEL/METHOD/SOURCE-nN-setK, STUDY/MODEL/dense); key or s3:// address of the manifest of a cell, a block, an evaluation or a calibration set; or the manifest.json of a published model",
    )
    .option("--study <name>", "every cell of this study that is done")
    .option("--cell <name>", "of the study only this cell: MODEL/METHOD/SOURCE-nN-setK or MODEL/dense")
    .option("--processes <count>", "compute in so many processes, each with the manifest's threads", parseCount, 1)
    .option("--anyway", "go on where versions, backend or threads are others than those that it was computed with")
    .option("--bucket <name>", "the specification's checkpoints.bucket (default: the workers' TOUCHSTONE_BUCKET)")
    .option("--prefix <prefix>", "the specification's checkpoints.prefix")
    .option("--json", "print one JSON document")
    .action(async (manifest: string | undefined, options: ReproduceCommandOptions) => {
      const context = { state: createProcessState(), report: () => {}, signal: new AbortController().signal };
      const wanted = await wantedBy(manifest, options, context);
      const done = await reproduceAll(wanted, options);
      if (options.json) printJson({ cells: done, undone: wanted.undone });
      else process.stdout.write(renderReproductions(done, wanted.undone));
      if (done.some(({ parts }) => parts !== undefined)) process.exitCode = 1;
    });
}

const KEY = /^(?:(?:s3:\/\/(?<bucket>[^/]+)\/(?:(?<prefix>.+)\/)?)?(?:v1\/)?\w+\/)?(?<key>[0-9a-f]{64})(?:\.json)?$/;

async function wantedBy(
  given: string | undefined,
  { study, cell, bucket, prefix }: ReproduceCommandOptions,
  context: StepContext,
): Promise<Wanted> {
  if ((given === undefined) === (study === undefined) || (cell !== undefined && study === undefined)) {
    throw new TouchstoneError("InvalidSettings", {
      what: "What is to be computed anew isn't said, or twice",
      where: "touchstone reproduce",
      todo: "Give a manifest or a cell, or --study NAME, with --cell NAME for one of its cells.",
    });
  }
  const key = KEY.exec(given ?? "")?.groups;
  if (given !== undefined && key === undefined && (isS3(given) || (await fileExists(given)))) {
    const found = [{ manifest: parseCellManifest(await readFile(given), given) }];
    return { found, undone: [] };
  }
  const location = await useStore({
    bucket: key?.bucket ?? bucket,
    prefix: key?.prefix?.replace(/\/?v1$/, "") ?? prefix,
  });
  if (key !== undefined) return { found: [await manifestWithKey(key.key, location, context)], undone: [], location };
  if (study !== undefined && cell === undefined) return { ...(await cellsOf(study, location, context)), location };
  const name = given ?? `${study}/${cell}`;
  const slash = name.indexOf("/");
  const manifest = await manifestOfCell(name.slice(0, slash), name.slice(slash + 1), location, context);
  return { found: [{ manifest }], undone: [], location };
}

/** A study's cells, by the plan that it was last started with. */
async function cellsOf(
  study: string,
  location: StoreLocation,
  context: StepContext,
): Promise<Omit<Wanted, "location">> {
  const store = openStore(location);
  const { plan } = await latestPlan(study, location, context);
  const found: FoundManifest[] = [];
  const undone: string[] = [];
  for (const cell of cellsOfPlan(plan)) {
    const manifest = await readCellManifest(store, plan, cell).catch((error: unknown) => {
      if (error instanceof TouchstoneError && error.type === "CheckpointCorrupt") return undefined;
      throw error;
    });
    if (manifest !== undefined && isDone(manifest)) found.push({ manifest });
    else undone.push(cellName(cell));
  }
  return { found, undone };
}

async function reproduceAll(
  { found, location }: Wanted,
  { anyway = false, processes }: ReproduceCommandOptions,
): Promise<Reproduction[]> {
  const [first] = found;
  if (first === undefined) return [];
  const { plan } = first.manifest;
  const cells = found.map(({ manifest }) => manifest.cell);
  await requireInputs(plan, cells, { evaluated: found.some(isEvaluated) });
  // What was computed with other threads has other roundings.
  const threads = Number(process.env.TF_NUM_INTRAOP_THREADS ?? plan.environment.threads);
  const title = found.length === 1 ? `computing ${first.manifest.name} anew` : `computing ${found.length} cells anew`;
  return createProgress().step(
    title,
    (report) => {
      const onProgress = (done: number) => report(done, found.length);
      return reproduceInProcesses(found, { processes, threads, anyway, location, onProgress });
    },
    { unit: "cells" },
  );
}

/** Whether what is wanted of a cell needs an evaluation. */
function isEvaluated({ manifest, last }: FoundManifest): boolean {
  return last === undefined || manifest.steps.some(({ kind, key }) => kind === "evaluation" && key === last);
}

export function renderReproductions(done: readonly Reproduction[], undone: readonly string[]): string {
  const rows = done.map(({ cell, equal, parts, seconds }) => [
    cell,
    String(equal),
    seconds.toFixed(1),
    parts === undefined ? "equal" : `${parts.step}, ${parts.object}: ${parts.what}`,
  ]);
  const same = done.filter(({ parts }) => parts === undefined).length;
  return [
    renderTable(["cell", "equal steps", "seconds", "bytes"], rows, [1, 2]),
    "",
    `${same} of ${done.length} ${done.length === 1 ? "cell" : "cells"} with equal bytes`,
    ...(undone.length === 0 ? [] : [`not done, and not looked at: ${undone.join(", ")}`]),
    "",
  ].join("\n");
}

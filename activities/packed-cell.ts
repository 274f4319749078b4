import { describeCalibration, type MadeOf, modelName } from "../compression/made-of.js";
import type { PackedModel } from "../compression/packed-model.js";
import { readStoredLayer } from "../compression/stored-layer.js";
import type { Manifest } from "../storage/checkpoints.js";
import type { StoreLocation } from "../storage/store.js";
import { expandCells } from "../study/cells.js";
import { TouchstoneError } from "../study/errors.js";
import { cellName } from "../study/names.js";
import { nearest } from "../study/parse.js";
import type { StudyPlan, StudyRef } from "../study/plan.js";
import type { CellCoordinates } from "../study/results.js";
import type { BlockFacts } from "./block-facts.js";
import { readCalibrationSet } from "./calibration-of.js";
import { type CellTask, cellTask } from "./cell-task.js";
import { findBlock } from "./compressed-weights.js";
import { modelOf, usesActivations } from "./derivations.js";
import type { StepContext } from "./step.js";
import { studyPlans } from "./stored-studies.js";

/**
 * The compressed model of a cell, from the store. A study that was planned more than once has the cell under one of its plans.
 * @param name STUDY/MODEL/METHOD/SOURCE-nN-setK (`cellName` after the study's name)
 * @throws TouchstoneError UnknownStudy, UnknownModel for a cell that the study doesn't have, InvalidModel where its dense model
 *   isn't what was planned, CheckpointCorrupt where it isn't compressed yet
 */
export async function openPackedCell(
  name: string,
  location: StoreLocation,
  context: StepContext,
): Promise<PackedModel> {
  const slash = name.indexOf("/");
  const [study, wanted] = [name.slice(0, slash), name.slice(slash + 1)];
  let missing: unknown;
  for (const ref of await studyPlans(study, location)) {
    const plan = await context.state.plan(ref);
    const cell = findCellByName(plan, wanted, name);
    try {
      return await openCell({ study: ref, cell }, plan, context);
    } catch (error) {
      if (!(error instanceof TouchstoneError && error.type === "CheckpointCorrupt")) throw error;
      missing = error;
    }
  }
  throw missing;
}

function findCellByName({ spec }: StudyPlan, wanted: string, name: string): CellCoordinates {
  const cells = spec.models.flatMap(({ id }) => expandCells(spec, id)).filter(({ method }) => method !== null);
  const found = cells.find((cell) => cellName(cell) === wanted);
  if (found !== undefined) return found;
  throw new TouchstoneError("UnknownModel", {
    what: `The study has no compressed cell ${wanted}${nearest(wanted, cells.map(cellName))}`,
    where: name,
    todo: "Name a cell as MODEL/METHOD/SOURCE-nN-setK.",
  });
}

async function openCell(
  ref: { study: StudyRef; cell: CellCoordinates },
  plan: StudyPlan,
  context: StepContext,
): Promise<PackedModel> {
  const task = await cellTask(ref, context);
  if (task === undefined) throw new RangeError("the dense model is not compressed");
  const blocks: Manifest<BlockFacts>[] = [];
  for (let block = 0; block < plan.models[task.cell.model].blocks; block++) blocks.push(await findBlock(task, block));
  const rest = await context.state.model(plan, task.cell.model, task.cell.noise);
  const { madeOf, set } = await describeCell(task, `${ref.study.name}/${cellName(task.cell)}`, blocks);
  return {
    rest,
    madeOf,
    set,
    layer: async (block, { name }) => {
      const manifest = blocks[block];
      return readStoredLayer(await task.checkpoints.object(manifest, name), `block ${manifest.key}, ${name}`);
    },
    close: () => rest.close(),
  };
}

async function describeCell(
  task: CellTask,
  name: string,
  blocks: readonly Manifest<BlockFacts>[],
): Promise<{ madeOf: MadeOf; set?: Uint8Array }> {
  const { plan, cell, calibration, checkpoints } = task;
  if (cell.method === null) throw new RangeError("the dense model is not compressed");
  const sum = (of: (facts: BlockFacts) => number) => blocks.reduce((total, { facts }) => total + of(facts), 0);
  const weights = sum((facts) => facts.weights);
  const usesData = usesActivations(cell);
  const set = usesData ? await readCalibrationSet(checkpoints, calibration) : undefined;
  return {
    madeOf: {
      format: 1,
      model: { name: modelName(modelOf(plan, cell.model).path), digest: plan.models[cell.model].digest },
      settings: cell.method,
      calibration: set === undefined ? null : describeCalibration(set),
      bitsPerWeight: sum(({ bits }) => bits) / weights,
      sparsity: sum(({ zeros }) => zeros) / weights,
      cell: name,
    },
    set: usesData ? await checkpoints.object(calibration, "set") : undefined,
  };
}

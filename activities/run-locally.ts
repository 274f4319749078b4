import { openFolderStore } from "../storage/folder-store.js";
import { identity } from "../storage/identity.js";
import { expandCells } from "../study/cells.js";
import { evaluationsOf, type StudyPlan } from "../study/plan.js";
import { withLocalStore } from "./local-store.js";
import type { StepContext } from "./step.js";
import { steps } from "./steps.js";

/** Computes all cells of a plan one after the other in this process, into a local folder. */
export async function runLocally(plan: StudyPlan, folder: string, context: StepContext): Promise<void> {
  const study = { name: plan.spec.name, plan: identity(plan), bucket: "", prefix: "" };
  const store = openFolderStore(folder);
  const own = () => withLocalStore(context, plan, store);
  for (const { id: model } of plan.spec.models) {
    for (const { id: source } of plan.spec.sources) await steps.sampleSource({ study, model, source }, own());
    for (const cell of expandCells(plan.spec, model)) {
      await steps.embedCalibration({ study, cell }, own());
      const blocks = cell.method === null ? 0 : plan.models[model].blocks;
      for (let block = 0; block < blocks; block++) await steps.compressBlock({ study, cell, block }, own());
      for (const evaluation of evaluationsOf(plan.spec)) await steps.evaluate({ study, cell, evaluation }, own());
      await steps.finishCell({ study, cell }, own());
    }
  }
}

import type { MeasuredModel } from "../../study/rates.js";
import type { StudySpec } from "../../study/spec.js";
import { serveWork } from "../../workers/serve-work.js";
import { measureModel } from "./measure-model.js";

/** Entry of a process that measures a model, as a worker's compute process would compute with it. */

export interface MeasureWork {
  spec: StudySpec;
  /** Id. */
  model: string;
}

/** It tells the stages. */
await serveWork<MeasureWork, MeasuredModel, string>(({ spec, model }, tell) => measureModel(spec, model, tell));
process.exit(0);

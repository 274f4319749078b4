import type { MeasuredModel } from "../../study/rates.js";
import type { StudySpec } from "../../study/spec.js";
import type { StepFailure } from "../../workers/protocol.js";
import { asFailure } from "../../workers/step-errors.js";
import { measureModel } from "./measure-model.js";

/** Entry of a process that measures a model, as a worker's compute process would compute with it. */

export interface MeasureWork {
  spec: StudySpec;
  /** Id. */
  model: string;
}

export type MeasureAnswer =
  | { kind: "stage"; stage: string }
  | { kind: "done"; measured: MeasuredModel }
  | { kind: "failed"; failure: StepFailure };

const send = (answer: MeasureAnswer) => process.send?.(answer);

process.on("disconnect", () => process.exit(0));
process.once("message", ({ spec, model }: MeasureWork) => {
  measureModel(spec, model, (stage) => send({ kind: "stage", stage })).then(
    (measured) => send({ kind: "done", measured }),
    (error: unknown) => send({ kind: "failed", failure: asFailure(error) }),
  );
});

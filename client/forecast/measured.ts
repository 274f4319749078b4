import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { TouchstoneError } from "../../study/errors.js";
import type { MeasuredModel } from "../../study/rates.js";
import type { StudySpec } from "../../study/spec.js";
import { COMPUTE_OPTIONS, computeEnvironment } from "../../workers/compute-slot.js";
import { asError } from "../../workers/step-errors.js";
import type { MeasureAnswer, MeasureWork } from "./measure-process.js";

/**
 * Measures a model of a study in a process of its own, that has what a worker's compute processes have.
 * @param threads of a compute process
 * @throws TouchstoneError as `measureModel`; ComputeCrashed where the process dies
 */
export async function measuredModel(
  spec: StudySpec,
  model: string,
  threads: number,
  report: (stage: string) => void = () => {},
): Promise<MeasuredModel> {
  const child = fork(fileURLToPath(new URL("./measure-process.js", import.meta.url)), {
    serialization: "advanced",
    env: computeEnvironment(threads),
    execArgv: COMPUTE_OPTIONS,
  });
  try {
    return await new Promise((resolve, reject) => {
      child.on("message", (answer: MeasureAnswer) => {
        if (answer.kind === "stage") report(answer.stage);
        else if (answer.kind === "done") resolve(answer.measured);
        else reject(asError(answer.failure));
      });
      child.once("exit", (code, signal) => {
        const what = `The process that measures ${model} has ended (${signal ?? code})`;
        const todo = "It may have taken more memory than there is: plan on a machine like the workers'.";
        reject(new TouchstoneError("ComputeCrashed", { what, todo }));
      });
      child.send({ spec, model } satisfies MeasureWork);
    });
  } finally {
    child.kill("SIGKILL");
  }
}

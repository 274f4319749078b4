import type { MeasuredModel } from "../../study/rates.js";
import type { StudySpec } from "../../study/spec.js";
import { startWorkProcess } from "../../workers/work-process.js";
import type { MeasureWork } from "./measure-process.js";

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
  const program = new URL("./measure-process.js", import.meta.url);
  const measuring = startWorkProcess<MeasureWork, MeasuredModel, string>(program, threads, {
    what: `The process that measures ${model} has ended`,
    todo: "It may have taken more memory than there is: plan on a machine like the workers'.",
  });
  try {
    return await measuring.run({ spec, model }, report);
  } finally {
    measuring.kill();
  }
}

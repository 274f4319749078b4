import type { StudyRef } from "../study/plan.js";
import { reportMeanwhile } from "./report-study.js";
import type { StepContext } from "./step.js";

/**
 * A step after which the study's page is written again, where the last one is old enough. A page that can't be written is no
 * reason for the step to fail: the next cell tries it again, and the study's own report tells what is wrong.
 */
export function reportingAfter<Input extends { study: StudyRef }, Result>(
  step: (input: Input, context: StepContext) => Promise<Result>,
): (input: Input, context: StepContext) => Promise<Result> {
  return async (input, context) => {
    const result = await step(input, context);
    const { study } = input;
    const { liveReports, store } = context.state;
    await liveReports.write(store(study), study.name, () => reportMeanwhile({ study }, context)).catch(() => {});
    return result;
  };
}

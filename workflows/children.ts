import { WorkflowExecutionAlreadyStartedError } from "@temporalio/common";
import { type ChildWorkflowHandle, sleep, type Workflow } from "@temporalio/workflow";

/**
 * Starts a child under a fixed id. Where an earlier run's child under that id is still ending (children can't be given a
 * conflict policy), waits for its end.
 */
export async function onceFree<T extends Workflow>(
  start: () => Promise<ChildWorkflowHandle<T>>,
): Promise<ChildWorkflowHandle<T>> {
  for (;;) {
    try {
      return await start();
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      await sleep("2s");
    }
  }
}

import { workflowInfo } from "@temporalio/workflow";

/** Events of a history, at which Temporal suggests a new one too. */
const EVENTS = 4096;

/**
 * Whether a workflow should end what it has begun, and go on as a new run with an empty history.
 * @param ahead events that what it has begun may still add
 */
export function isLong(ahead: number): boolean {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  return continueAsNewSuggested || historyLength + ahead > EVENTS;
}

import { ApplicationFailure, isCancellation } from "@temporalio/workflow";

/** The failure at the root of an activity's or child's failure: the named one, with the message for people. */
export function rootFailure(error: unknown): { type: string; message: string } {
  const root = innermost(error);
  if (root instanceof ApplicationFailure) return { type: root.type ?? "Error", message: root.message };
  const { name, message } = root instanceof Error ? root : new Error(String(root));
  return { type: name, message };
}

/** Fails a workflow with the named failure itself, so that people see it without opening the causes. */
export function asRootFailure(error: unknown): ApplicationFailure {
  const { type, message } = rootFailure(error);
  return ApplicationFailure.create({ type, message, nonRetryable: true, cause: error as Error });
}

/** Does part of a workflow, which fails as what failed in it. */
export async function orNamed(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw isCancellation(error) ? error : asRootFailure(error);
  }
}

function innermost(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? innermost(error.cause) : error;
}

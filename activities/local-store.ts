import { openCheckpoints } from "../storage/checkpoints.js";
import type { ThreadedStore } from "../storage/threaded-store.js";
import type { StudyPlan } from "../study/plan.js";
import type { StepContext } from "./step.js";

/**
 * The same process with this plan and this store, whatever study a step is asked for: so steps run in the foreground, without
 * services. Whether the environment fits the plan is the caller's to ask.
 */
export function withLocalStore(context: StepContext, plan: StudyPlan, store: ThreadedStore): StepContext {
  const state = {
    ...context.state,
    store: () => store,
    checkpoints: () => openCheckpoints(store),
    plan: async () => plan,
    requireEnvironment: async () => {},
  };
  // Steps leave listeners on their signal, and a context may serve thousands of steps: each call has a signal of its own.
  return { ...context, state, signal: AbortSignal.any([context.signal]) };
}

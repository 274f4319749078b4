import { createProcessState } from "../../activities/process-state.js";
import { serveSteps } from "../../workers/serve-steps.js";
import { rehearsalSteps } from "./steps.js";

/** Entry of a compute process that computes nothing. */

await serveSteps({ state: createProcessState(), steps: rehearsalSteps, begin: async () => "native-cpu" });

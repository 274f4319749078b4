import { createProcessState } from "../activities/process-state.js";
import { steps } from "../activities/steps.js";
import { loadBackend } from "../tensor/backend.js";
import { serveSteps } from "./serve-steps.js";

/** Entry of a compute process, which owns one TensorFlow runtime. */

await serveSteps({ state: createProcessState(), steps, begin: async () => (await loadBackend()).kind });

import { installRuntime } from "../../workers/runtime.js";
import { runWorker } from "../../workers/worker.js";

/** Entry of a worker as any other, but that its compute processes compute nothing. */

installRuntime();
const program = new URL("./compute-process.js", import.meta.url);
await runWorker({ queues: ["orchestration", "compute"], slots: 1, threads: 1, program });

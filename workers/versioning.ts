import type { WorkerDeploymentVersion } from "@temporalio/common";
import type { WorkerOptions } from "@temporalio/worker";

/**
 * Puts a worker into a version of a Temporal worker deployment; without one it is unversioned, as by default, since a
 * versioned worker gets nothing before its version is made current. A study and its sweeps go on with the current version;
 * cells say in `workflows/index.ts` that they end with the one that began them.
 */
export function versioning(version?: WorkerDeploymentVersion): Pick<WorkerOptions, "workerDeploymentOptions"> {
  if (version === undefined) return {};
  return {
    workerDeploymentOptions: { useWorkerVersioning: true, version, defaultVersioningBehavior: "AUTO_UPGRADE" },
  };
}

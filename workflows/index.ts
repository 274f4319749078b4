import { setWorkflowOptions, workflowInfo } from "@temporalio/workflow";
import { cell } from "./cell.js";
import { search } from "./search.js";
import { study } from "./study.js";
import { sweep } from "./sweep.js";

// Where workers are versioned, a cell ends with the code that began it; searches, studies and sweeps, which live for days, go on with
// the current code.
// The server refuses an unversioned worker's workflows that ask for it.
setWorkflowOptions(
  () => (workflowInfo().currentDeploymentVersion?.deploymentName ? { versioningBehavior: "PINNED" } : {}),
  cell,
);

/** Everything exported here is a workflow type. */
export { cell, search, study, sweep };

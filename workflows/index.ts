/** Everything exported here is a workflow type. */
export { cell } from "./cell.js";
export { study } from "./study.js";
export { sweep } from "./sweep.js";

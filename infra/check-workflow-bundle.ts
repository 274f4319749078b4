import { TouchstoneError } from "../study/errors.js";
import { bundleWorkflows } from "./bundle-workflows.js";

/** Mostly Temporal's SDK and zod; more means that something has leaked in which workflows have no use for. */
const LIMIT_BYTES = 1_000_000;

try {
  const { codeBytes } = await bundleWorkflows();
  const size = `${(codeBytes / 1000).toFixed(0)} kB of ${LIMIT_BYTES / 1000} kB`;
  const verdict = codeBytes > LIMIT_BYTES ? " is too much. Which import of workflows/ or study/ brought it in?" : "";
  process.stdout.write(`Workflow bundle: ${size}${verdict}\n`);
  if (verdict !== "") process.exitCode = 1;
} catch (error) {
  if (!(error instanceof TouchstoneError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}

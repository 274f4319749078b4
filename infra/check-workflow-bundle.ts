import { bundleWorkflows } from "./bundle-workflows.js";

/** Mostly Temporal's SDK and zod; more means that something has leaked in which workflows have no use for. */
const LIMIT_BYTES = 1_000_000;

const { codeBytes } = await bundleWorkflows();
const size = `${(codeBytes / 1000).toFixed(0)} kB of ${LIMIT_BYTES / 1000} kB`;
if (codeBytes > LIMIT_BYTES) {
  process.stderr.write(
    `The workflow bundle is too large: ${size}. Which import of workflows/ or study/ brought it in?\n`,
  );
  process.exit(1);
}
process.stdout.write(`Workflow bundle: ${size}\n`);

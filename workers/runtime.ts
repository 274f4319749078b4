import { Runtime } from "@temporalio/worker";
import { TouchstoneError } from "../study/errors.js";
import { temporalLogger } from "./logging.js";
import { exposeMeasurements, metricsOptions } from "./metrics.js";

/**
 * Temporal's runtime with our log and, where an address is given (`HOST:PORT`), metrics. Call once, before any connection is made.
 * @throws TouchstoneError InvalidSettings where nothing can listen at the address
 */
export function installRuntime(metricsAddress?: string): void {
  const logging = { forward: {}, filter: { core: "WARN", other: "ERROR" } } as const;
  const metrics = metricsAddress === undefined ? undefined : metricsOptions(metricsAddress);
  try {
    Runtime.install({ logger: temporalLogger(), telemetryOptions: { logging, metrics } });
  } catch (cause) {
    if (metricsAddress === undefined) throw cause;
    const what = `Metrics can't be served: ${cause instanceof Error ? cause.message : cause}`;
    const todo = "Give `--metrics` another address; each worker of a machine needs a port of its own.";
    throw new TouchstoneError("InvalidSettings", { what, where: metricsAddress, todo }, { cause });
  }
  if (metrics !== undefined) exposeMeasurements();
}

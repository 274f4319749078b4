import { serviceEnvironment } from "../infra/services.js";
import { temporalService } from "../infra/temporal.js";
import { TouchstoneError } from "../study/errors.js";

/**
 * Lets this process reach the services: those that the standard variables name, else those that `touchstone up` started.
 * @throws TouchstoneError ServiceUnavailable when there are none
 */
export async function useServices(): Promise<void> {
  Object.assign(process.env, await serviceEnvironment());
  if ((await temporalService()) !== undefined) return;
  throw new TouchstoneError("ServiceUnavailable", {
    what: "There is no Temporal server: none is configured, and none was started here",
    todo: "Run `touchstone up --worker`, or set TEMPORAL_ADDRESS.",
  });
}

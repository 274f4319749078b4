import { serviceEnvironment } from "../infra/services.js";
import { temporalService } from "../infra/temporal.js";
import type { StoreLocation } from "../storage/store.js";
import { TouchstoneError } from "../study/errors.js";

/**
 * Lets this process reach the object store: the one that the standard variables name, else the one that `touchstone up` started.
 * @returns the bucket and prefix of studies that name none
 * @throws TouchstoneError ServiceUnavailable when there is no bucket
 */
export async function useStore(location: { bucket?: string; prefix?: string }): Promise<StoreLocation> {
  Object.assign(process.env, await serviceEnvironment());
  const bucket = location.bucket ?? process.env.TOUCHSTONE_BUCKET;
  if (bucket) return { bucket, prefix: location.prefix ?? "" };
  throw new TouchstoneError("ServiceUnavailable", {
    what: "There is no object store: no bucket is named, and none was started here",
    todo: "Run `touchstone up`, or give --bucket or TOUCHSTONE_BUCKET.",
  });
}

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

import { channel } from "node:diagnostics_channel";
import type { MetricName } from "../study/metrics.js";

/** A value of a metric: what a counter grows by, what a gauge is, what a histogram records. */
export interface Measurement {
  name: MetricName;
  value: number;
  tags: Readonly<Record<string, string>>;
}

const measurements = channel("touchstone:measurement");

/** Tells whoever listens in this thread. Costs next to nothing where nobody does, and changes no result. */
export function measure(name: MetricName, value: number, tags: Measurement["tags"] = {}): void {
  measurements.publish({ name, value, tags } satisfies Measurement);
}

/** All measurements of this thread, and of the object store's. */
export function onMeasurement(listener: (measurement: Measurement) => void): void {
  measurements.subscribe((message) => listener(message as Measurement));
}

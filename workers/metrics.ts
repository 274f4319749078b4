import { Runtime, type TelemetryOptions } from "@temporalio/worker";
import { type Measurement, onMeasurement } from "../storage/measure.js";
import { type MetricName, metrics } from "../study/metrics.js";
import { measureVitals } from "./vitals.js";

/** Seconds: from a block of a small model to a task of a large one. */
const BUCKETS = [0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000];

/** Temporal's and our metrics on one address, `HOST:PORT`, under `/metrics`. */
export function metricsOptions(bindAddress: string): TelemetryOptions["metrics"] {
  const names = Object.keys(metrics).filter((name) => metrics[name as MetricName].kind === "histogram");
  return {
    prometheus: {
      bindAddress,
      countersTotalSuffix: true,
      unitSuffix: true,
      useSecondsForDurations: true,
      histogramBucketOverrides: Object.fromEntries(names.map((name) => [name, BUCKETS])),
    },
  };
}

/** Hands what this process and its compute processes measure to the runtime's meter. */
export function exposeMeasurements(): void {
  const instruments = createInstruments();
  onMeasurement(({ name, value, tags }) => instruments[name](value, tags));
  measureVitals({ process: "worker" });
}

type Instrument = (value: number, tags: Measurement["tags"]) => void;

/** Counters begin with 0, so that alerts on their growth see the first time too. */
function createInstruments(): Record<MetricName, Instrument> {
  const meter = Runtime.instance().metricMeter;
  const create = (name: MetricName): Instrument => {
    const { kind, description } = metrics[name];
    if (kind === "histogram") {
      const histogram = meter.createHistogram(name, "float", undefined, description);
      return (value, tags) => histogram.record(value, tags);
    }
    if (kind === "gauge") {
      const gauge = meter.createGauge(name, "float", undefined, description);
      return (value, tags) => gauge.set(value, tags);
    }
    const counter = meter.createCounter(name, undefined, description);
    counter.add(0);
    return (value, tags) => counter.add(value, tags);
  };
  const names = Object.keys(metrics) as MetricName[];
  return Object.fromEntries(names.map((name) => [name, create(name)])) as Record<MetricName, Instrument>;
}

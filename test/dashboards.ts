import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { checkoutFolder } from "../storage/home.js";
import { type MetricName, metrics } from "../study/metrics.js";

/** Series that the Grafana dashboard and the alert rules ask for, without Prometheus's own. */
export async function metricsOfDashboards(): Promise<string[]> {
  const files = ["touchstone.json", "alerts.yaml"].map((name) => join(checkoutFolder, "infra", "dashboards", name));
  const texts = await Promise.all(files.map((file) => readFile(file, "utf8")));
  return [...new Set(texts.join("\n").match(/\b(touchstone|temporal)_\w+/g))].sort();
}

/** The name of a counter or gauge as Prometheus has it; that of a histogram's number of values. */
export function exposedName(name: MetricName): string {
  return `${name}${{ counter: "_total", gauge: "", histogram: "_count" }[metrics[name].kind]}`;
}

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { checkoutFolder } from "../../storage/home.js";
import { type MetricName, metrics } from "../../study/metrics.js";
import { exposedName, metricsOfDashboards } from "../dashboards.js";

test("dashboard and alerts ask for all metrics of our own, and for no others under their name", async () => {
  const names = Object.keys(metrics) as MetricName[];
  const asked = (await metricsOfDashboards()).filter((name) => name.startsWith("touchstone_"));
  assert.deepEqual(
    new Set(asked.map((name) => name.replace(/_(sum|bucket)$/, "_count"))),
    new Set(names.map(exposedName)),
  );
});

test("every alert has a line on the operator's page", async () => {
  const { groups } = parse(await readFile(join(checkoutFolder, "infra", "dashboards", "alerts.yaml"), "utf8"));
  const page = await readFile(join(checkoutFolder, "docs", "week.md"), "utf8");
  const alerts = (groups as { rules: { alert: string }[] }[]).flatMap(({ rules }) => rules.map(({ alert }) => alert));
  assert.ok(alerts.length > 0);
  assert.deepEqual(
    alerts.filter((alert) => !page.includes(`| \`${alert}\` |`)),
    [],
  );
});

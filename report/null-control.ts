import type { CellResult } from "../study/results.js";

/** Methods that look at no data must give every set's model the same figures, to the last bit. */
export interface NullControl {
  /** Cells compared: all sources, sizes and sets. */
  cells: number;
  /** unmeasured: fewer than two cells. */
  verdict: "pass" | "fail" | "unmeasured";
  /** Largest range (max - min) of any metric of any evaluation over the cells; null: one is finite here, not there. */
  spread: number | null;
  /** The evaluations and metrics that spread, e.g. `piqa acc`. */
  spreading: string[];
}

/** Compares every metric, not only those in tables. `cells` are one model's and method's, noise replicates left out. */
export function nullControl(cells: readonly CellResult[]): NullControl {
  const spreads = Object.entries(metricValues(cells)).map(([name, values]) => ({ name, spread: spreadOf(values) }));
  const spreading = spreads.filter(({ spread }) => spread !== 0);
  const verdict = spreading.length === 0 ? "pass" : "fail";
  return {
    cells: cells.length,
    verdict: cells.length < 2 ? "unmeasured" : verdict,
    spread: spreads.reduce<number | null>(
      (largest, { spread }) => (largest === null || spread === null ? null : Math.max(largest, spread)),
      0,
    ),
    spreading: spreading.map(({ name }) => name),
  };
}

/** A cell that lacks a metric counts as null there: that differs from every number. */
function metricValues(cells: readonly CellResult[]): Record<string, (number | string | null)[]> {
  const flat = cells.map(({ evaluations }) =>
    Object.fromEntries(
      evaluations.flatMap(({ id, metrics }) =>
        Object.entries(metrics).map(([metric, figure]) => [`${id} ${metric}`, figure.value ?? figure.nonFinite]),
      ),
    ),
  );
  const names = new Set(flat.flatMap((metrics) => Object.keys(metrics)));
  return Object.fromEntries([...names].map((name) => [name, flat.map((metrics) => metrics[name] ?? null)]));
}

function spreadOf(values: readonly (number | string | null)[]): number | null {
  if (values.every((value) => value === values[0])) return 0;
  const numbers = values.filter((value) => typeof value === "number");
  return numbers.length < values.length ? null : Math.max(...numbers) - Math.min(...numbers);
}

import { TouchstoneError } from "../study/errors.js";
import { nearest } from "../study/parse.js";
import type { KnownDataset } from "./dataset.js";
import { sources, texts } from "./sources.js";
import { englishTasks, multilingualTasks } from "./tasks.js";

/** Everything that can be fetched by name. */
export const datasets: readonly KnownDataset[] = [
  ...englishTasks,
  ...Object.values(multilingualTasks).flat(),
  ...sources,
  ...texts,
];

/** Names that stand for several. */
export const groups: Readonly<Record<string, readonly KnownDataset[]>> = {
  tasks: englishTasks,
  sources,
  ...multilingualTasks,
};

const byName = new Map(
  datasets.flatMap((dataset) => [dataset.name, ...dataset.aliases].map((name) => [name, dataset])),
);

/**
 * The data sets that `names` stand for, each once.
 * @throws TouchstoneError UnknownDataset with the nearest name
 */
export function datasetsOf(names: readonly string[]): KnownDataset[] {
  return Array.from(new Set(names.flatMap((name) => groups[name] ?? datasetOf(name))));
}

function datasetOf(name: string): KnownDataset {
  const dataset = byName.get(name);
  if (dataset !== undefined) return dataset;
  throw new TouchstoneError("UnknownDataset", {
    what: `There is no data set "${name}"${nearest(name, [...byName.keys(), ...Object.keys(groups)])}`,
    todo: "`touchstone data list` shows all names.",
  });
}

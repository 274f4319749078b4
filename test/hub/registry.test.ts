import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import picomatch from "picomatch";
import { loadSpec } from "../../client/load-spec.js";
import { taskNamed, taskNames } from "../../evaluation/registry.js";
import { isManual, splitFiles } from "../../hub/dataset.js";
import { datasets, datasetsOf } from "../../hub/registry.js";
import { checkoutFolder } from "../../storage/home.js";
import { parseStudySpec } from "../../study/spec.js";
import { splitTaskName } from "../../study/task-name.js";

/** Their texts are the user's own. */
const OWN = ["last_word", "next_sentence"];
const known = (name: string) => datasetsOf([name])[0];

test("every task has its data set, under every name, with the split that it asks", () => {
  for (const name of taskNames.filter((one) => !OWN.includes(one) && taskNamed(one).name !== one)) known(name);
  for (const task of new Set(taskNames.filter((one) => !OWN.includes(one)).map((one) => taskNamed(one)))) {
    const dataset = known(task.name);
    assert.equal(dataset.name, task.name);
    if (!isManual(dataset)) assert.equal(dataset.split, task.split, task.name);
  }
});

test("names are unique, and no place is written twice", () => {
  const names = datasets.flatMap(({ name, aliases }) => [name, ...aliases]);
  assert.equal(new Set(names).size, names.length);
  const places = datasets.flatMap((one) => (isManual(one) ? [] : `${one.dataset} ${one.config} ${splitFiles(one)}`));
  assert.equal(new Set(places).size, places.length);
  assert.equal(datasetsOf(["c4", "sources", "c4"]).length, 5);
});

test("an unknown name is answered with the nearest, or all", () => {
  assert.throws(() => datasetsOf(["arc_esay"]), { name: "UnknownDataset", message: /did you mean arc_easy/ });
  assert.throws(() => datasetsOf(["imagenet-21k"]), { name: "UnknownDataset", message: /known: arc_easy.*wikipedia/ });
});

process.env.TOUCHSTONE_DATA ??= "/nonexistent";
for (const file of readdirSync(join(checkoutFolder, "studies"))) {
  test(`the hub's sources and texts in ${file} are the registry's, and lie where data fetch puts them`, async () => {
    const spec = parseStudySpec(await loadSpec(join(checkoutFolder, "studies", file)));
    for (const source of spec.sources) {
      if (!("path" in source) || !source.path.startsWith("s3://corpora/")) continue;
      const dataset = known(source.id);
      if (isManual(dataset)) assert.fail(source.id);
      const { id, path, ...from } = source;
      const { field, dataset: name, config, split, revision } = dataset;
      assert.deepEqual(from, { field, dataset: name, config, split, revision });
      assert.equal(path, `s3://corpora/${id}/${splitFiles(dataset)}`);
      assert.equal(picomatch.scan(path).isGlob, true);
    }
    for (const { id, path } of spec.evaluation.perplexity)
      if (path.startsWith("s3://benchmarks/")) assert.equal(path, `s3://benchmarks/${known(id).name}.txt`);
    for (const task of spec.evaluation.data?.startsWith("s3://") ? spec.evaluation.tasks : [])
      known(splitTaskName(task).task);
  });
}

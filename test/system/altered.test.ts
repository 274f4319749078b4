import assert from "node:assert/strict";
import { test } from "node:test";
import { openStore } from "../../storage/store.js";
import { alterObject } from "./alter.js";
import { freshWorker, useSystem } from "./harness.js";
import { assertWhole, manifestsOf, outcome, resultsOf } from "./observe.js";
import { skip } from "./set-up.js";
import { smallStudy } from "./small-study.js";

// Objects that were altered in the store are put aside and computed again.

const system = useSystem();
const options = { skip, timeout: 300_000 };
const bucket = () => process.env.TOUCHSTONE_BUCKET ?? "";

test(
  "altered layers, manifests and calibration sets are found, put aside and made again with the same bits",
  options,
  async () => {
    const name = "altered";
    const spec = smallStudy(system, name, { calibration: { sizes: [4] }, evaluation: { tasks: [] } });
    await outcome(await system.touchstone.start(spec));
    const before = await resultsOf(name);

    const { block, manifest, set } = await choose(name);
    await alterObject(name, `v1/content/${block}.arrow`);
    await alterObject(name, `v1/block/${manifest}.json`);
    await alterObject(name, `v1/content/${set}.arrow`);
    // Without the evaluations and cells, and what a process has in memory, the blocks are read again.
    const store = openStore({ bucket: bucket(), prefix: name });
    for (const kind of ["evaluation", "cell", "activations"]) {
      for (const key of await store.list(`v1/${kind}/`)) await store.remove(key);
    }
    await freshWorker();

    await outcome(await system.touchstone.start(spec));
    assert.deepEqual(await resultsOf(name), before);
    await assertWhole(name);
    const aside = await store.list("quarantine/");
    for (const altered of [`content/${block}`, `block/${manifest}`, `content/${set}`])
      assert.ok(
        aside.some((key) => key.includes(altered)),
        `${altered} is in quarantine`,
      );
  },
);

/** A layer of one block, the manifest of another, and the calibration set. */
async function choose(name: string) {
  const [one, other] = (await manifestsOf(name, "block")).values();
  const [calibration] = (await manifestsOf(name, "calibration")).values();
  return {
    block: Object.values(one.objects)[0].sha256,
    manifest: other.key,
    set: calibration.objects.set.sha256,
  };
}

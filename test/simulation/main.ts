import { parseArgs } from "node:util";
import { useStore } from "../../client/services.js";
import { TouchstoneError } from "../../study/errors.js";
import { fixturePool, madeUpPool } from "./fixture.js";
import type { Pool } from "./pool.js";
import { type Share, simulate } from "./simulate.js";
import { storedPools } from "./store-pools.js";

// `npm run simulate`: how often the report's inference is wrong, and what it finds, on studies that are drawn from the real outcomes
// of test/simulation/outcomes.json, and from made-up ones whose sets differ more; or with `-- --study NAME` from those of a
// study in the store.

const DIFFERENCES = [0, 0.02, 0.05, 0.1];
const SETS_PER_SOURCE = [3, 4, 5, 10];

const { values } = parseArgs({
  options: {
    study: { type: "string" },
    bucket: { type: "string" },
    prefix: { type: "string" },
    studies: { type: "string", default: "200" },
    seed: { type: "string", default: "0" },
  },
});

async function main(): Promise<void> {
  const studies = Number(values.studies);
  if (!Number.isInteger(studies) || studies < 1) {
    throw new TouchstoneError("InvalidSettings", { what: "--studies must be a whole number above 0" });
  }
  if (values.study !== undefined) return show(await storedPools(values.study, await useStore(values)), studies);
  show([await fixturePool()], studies);
  show([madeUpPool()], studies);
}

/** Studies are drawn from the pools in turn, as many sets a source as they have. */
function show(all: readonly Pool[], studies: number): void {
  for (const { name, sets } of all)
    console.log(`\n${name}: ${sets.length} sets, ${sets[0].map(({ length }) => length).join(" + ")} records`);
  const possible = SETS_PER_SOURCE.filter((perSource) => all.some(({ sets }) => sets.length >= 2 * perSource));
  if (possible.length === 0) {
    throw new TouchstoneError("InvalidSettings", {
      what: `No method has ${2 * SETS_PER_SOURCE[0]} finished sets, as two simulated sources take`,
      where: values.study,
      todo: "Simulate from a study with more sets.",
    });
  }
  for (const perSource of possible) {
    const pools = all.filter(({ sets }) => sets.length >= 2 * perSource);
    for (const difference of DIFFERENCES) {
      const what =
        difference === 0 ? "null pairs, false positives" : `true difference ${100 * difference} points, power`;
      console.log(`\n${studies} studies of 2 sources with ${perSource} sets each: ${what}; coverage of 95 % intervals`);
      for (const { method, found, covered } of simulate(pools, { studies, perSource, difference, seed: values.seed }))
        console.log(`  ${method.padEnd(34)} ${percent(found)}   ${percent(covered)}`);
    }
  }
}

function percent({ share, low, high }: Share): string {
  const [at, from, to] = [share, low, high].map((value) => (100 * value).toFixed(1));
  return `${at.padStart(5)} % (${from} to ${to})`;
}

await main().catch((error) => {
  if (!(error instanceof TouchstoneError)) throw error;
  process.stderr.write(`${error.name}: ${error.message}\n`);
  process.exitCode = 1;
});

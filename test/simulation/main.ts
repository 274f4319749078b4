import { parseArgs } from "node:util";
import { runProgram } from "../../client/run-program.js";
import { useStore } from "../../client/services.js";
import { TouchstoneError } from "../../study/errors.js";
import { nearest } from "../../study/parse.js";
import { fixturePool } from "./fixture.js";
import { simulations } from "./registry.js";
import { storedPools } from "./store-pools.js";

// `npm run simulate`: how often the report's inference is wrong, and what it finds; how often intervals that are looked at again and
// again hold the mean; how often a search by successive halving finds the best. On studies that are drawn from the real outcomes
// of test/simulation/outcomes.json, or with `-- --study NAME` from those of a study in the store, and on made-up ones.

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    study: { type: "string" },
    bucket: { type: "string" },
    prefix: { type: "string" },
    studies: { type: "string", default: "200" },
    seed: { type: "string", default: "0" },
  },
});

async function main(): Promise<void> {
  const { only, study, seed } = values;
  const names = Object.keys(simulations);
  if (only !== undefined && !names.includes(only)) {
    throw new TouchstoneError("InvalidSettings", {
      what: `There is no simulation "${only}"${nearest(only, names)}`,
      where: "--only",
      todo: `Simulations are: ${names.join(", ")}.`,
    });
  }
  const studies = Number(values.studies);
  if (!Number.isInteger(studies) || studies < 1) {
    throw new TouchstoneError("InvalidSettings", { what: "--studies must be a whole number above 0" });
  }
  const pools = study === undefined ? [await fixturePool()] : await storedPools(study, await useStore(values));
  for (const name of only === undefined ? names : [only])
    console.log(`${simulations[name](pools, studies, seed).join("\n")}\n`);
}

await runProgram(main);

import { Command, Option } from "commander";
import { parseCount } from "../../client/commands/parse-count.js";
import { runProgram } from "../../client/run-program.js";
import { useStore } from "../../client/services.js";
import { recordedPools, recordPools } from "./fixture.js";
import { simulations } from "./registry.js";
import { storedPools } from "./store-pools.js";

// `npm run simulate`: how often the report's inference is wrong, and what it finds; how often intervals that are looked at again and
// again hold the mean; how often a search by successive halving finds the best. On studies that are drawn from the real outcomes
// of test/simulation/outcomes.jsonl, or with `-- --study NAME` from those of a study in the store, and on made-up ones.

interface SimulationOptions {
  only?: string;
  study?: string;
  bucket?: string;
  prefix?: string;
  record?: string;
  studies: number;
  seed: string;
}

const names = Object.keys(simulations);
const { only, study, record, studies, seed, ...location } = new Command("simulate")
  .description("draw studies from real outcomes: how often the report's inference is wrong, and what it finds")
  .addOption(new Option("--only <name>", "one of the simulations").choices(names))
  .option("--study <name>", "outcomes of this study in the store (default: recorded ones)")
  .option("--bucket <name>", "the study's checkpoints.bucket (default: the workers' TOUCHSTONE_BUCKET)")
  .option("--prefix <prefix>", "the study's checkpoints.prefix")
  .option("--record <file>", "write the outcomes of --study to a file, and simulate nothing")
  .option("--studies <count>", "drawn for each figure", parseCount, 200)
  .option("--seed <text>", "the same seed gives the same figures", "0")
  .parse()
  .opts<SimulationOptions>();

await runProgram(async () => {
  const pools = study === undefined ? await recordedPools() : await storedPools(study, await useStore(location));
  if (record !== undefined) return recordPools(pools, record);
  for (const name of only === undefined ? names : [only])
    console.log(`${simulations[name](pools, studies, seed).join("\n")}\n`);
});

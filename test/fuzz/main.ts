import { Command, Option } from "commander";
import { parseCount, parseWhole } from "../../client/commands/parse-count.js";
import { runProgram } from "../../client/run-program.js";
import { type FuzzOptions, fuzz } from "./fuzz.js";

/** Entry of `npm run fuzz`. Ends with 1 where there is a finding. */

const options = new Command("fuzz")
  .description("read broken copies of every file format: each must be read, or refused by an error of ours")
  .option("--inputs <count>", "of each format", parseCount, 1_000_000)
  .option("--seed <number>", "the same seed breaks the same bytes", parseWhole, 1)
  .option("--from <number>", "the first of them", parseWhole, 0)
  .addOption(new Option("--only <names...>", "formats, or names of targets").default([], "all"))
  .parse()
  .opts<FuzzOptions>();

await runProgram(async () => {
  for await (const { format, name, inputs, seconds, refused, findings } of fuzz(options)) {
    const rate = Math.round(inputs / Math.max(seconds, 1e-3));
    console.log(
      `${format}, ${name}: ${inputs} inputs, ${refused} refused, ${rate} a second of processor time, ${findings.length} findings`,
    );
    for (const { input, problem } of findings) {
      console.log(`  --seed ${options.seed} --from ${input} --inputs 1 --only "${name}": ${problem}`);
      process.exitCode = 1;
    }
  }
});

import { parseArgs } from "node:util";
import { simulations } from "./registry.js";

// `npm run simulate:adaptive -- --only stopping`: how often intervals that are looked at again and again hold the mean, and how often
// a search by successive halving finds the best.

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    studies: { type: "string", default: "1000" },
    seed: { type: "string", default: "0" },
  },
});
const names = Object.keys(simulations);
const studies = Number(values.studies);
const isWrong =
  (values.only !== undefined && !names.includes(values.only)) || !(Number.isInteger(studies) && studies > 0);

if (isWrong) {
  process.stderr.write(`--only must be one of ${names.join(", ")}, and --studies a whole number above 0\n`);
  process.exitCode = 1;
} else {
  for (const name of values.only === undefined ? names : [values.only]) {
    process.stdout.write(`${simulations[name]([], studies, values.seed).join("\n")}\n`);
  }
}

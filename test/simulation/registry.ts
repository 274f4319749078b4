import type { Outcomes } from "./draw.js";
import { searchLines, simulateSearch } from "./search.js";
import { simulateStopping, stoppingLines } from "./stopping.js";

/** Simulations by the name that `--only` gives them: lines of text, from real outcomes where there are any, and from made-up ones. */
export const simulations: Readonly<
  Record<string, (pools: readonly Outcomes[], studies: number, seed: string) => string[]>
> = {
  stopping: (...given) => stoppingLines(simulateStopping(...given)),
  search: (...given) => searchLines(simulateSearch(...given)),
};

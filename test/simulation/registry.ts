import { madeUpPool } from "./fixture.js";
import type { Pool } from "./pool.js";
import { searchLines, simulateSearch } from "./search.js";
import { differenceLines } from "./source-differences.js";
import { simulateStopping, stoppingLines } from "./stopping.js";

/** Lines of text, from real outcomes and made-up ones. */
export type Simulation = (pools: readonly Pool[], studies: number, seed: string) => string[];

/** By the name that `--only` gives them. */
export const simulations: Readonly<Record<string, Simulation>> = {
  differences: (pools, studies, seed) => [
    ...differenceLines(pools, studies, seed),
    ...differenceLines([madeUpPool()], studies, seed),
  ],
  stopping: (...given) => stoppingLines(simulateStopping(...given)),
  search: (...given) => searchLines(simulateSearch(...given)),
};

import type { CellResult } from "../study/results.js";
import type { BlockFacts } from "./block-facts.js";

const DIGITS = 4;

/** What a cell's linears lost, for the report; nothing where the method has no H, or a block doesn't say what its errors are a share of. */
export function layerErrorsOf(blocks: readonly BlockFacts[]): Pick<CellResult, "layers"> {
  const sums = blocks.map(sumByLinear);
  const linears = [...new Set(sums.flatMap((block) => [...block.keys()]))];
  const isKnown = blocks.every(({ layers }) => layers.every(isMeasured));
  if (!isKnown || linears.length === 0) return {};
  return { layers: { linears, blocks: sums.map((block) => linears.map((linear) => shareOf(block.get(linear)))) } };
}

type DescribedLayer = BlockFacts["layers"][number];
type Sums = { error: number; energy: number };

function isMeasured({ error, energy, unseen }: DescribedLayer): boolean {
  return error !== null && (energy !== undefined || unseen !== undefined);
}

/** The experts of a block are taken together: there may be hundreds. */
function sumByLinear({ layers }: BlockFacts): Map<string, Sums> {
  const sums = new Map<string, Sums>();
  for (const { name, error, energy } of layers) {
    const linear = name.replace(/\.\d+\./, ".").replace(/\.weight$/, "");
    const sum = sums.get(linear) ?? { error: 0, energy: 0 };
    sums.set(linear, { error: sum.error + (error ?? 0), energy: sum.energy + (energy ?? 0) });
  }
  return sums;
}

/** Rounding can put a sum of squares below 0 where nothing was lost. */
function shareOf(sums: Sums | undefined): number | null {
  if (sums === undefined || sums.energy <= 0) return null;
  return Math.max(0, Number((sums.error / sums.energy).toPrecision(DIGITS)));
}

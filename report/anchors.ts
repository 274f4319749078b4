import { sha256 } from "../storage/identity.js";
import type { CellCoordinates } from "../study/results.js";

/** Cells that a figure of the page is made of: all of a method, those of one source and size, or its noise replicates. */
export interface CellGroup {
  model: string;
  /** The method's label. */
  method: string;
  source?: string | null;
  size?: number | null;
  noise?: boolean;
}

/** Where the page lists one cell. Of its names alone, so that an address holds when the page is written again. */
export function cellAnchor({ model, methodLabel, source, size, set, noise }: Omit<CellCoordinates, "method">): string {
  return short(["cell", model, methodLabel, source, size, set, noise]);
}

/** Where the page lists a group's cells. */
export function groupAnchor({ model, method, source, size, noise = false }: CellGroup): string {
  if (noise) return short(["noise", model, method]);
  return short(source === undefined ? ["method", model, method] : ["sets", model, method, source, size ?? null]);
}

/** 40 bits: two of 2,000 cells have the same with a probability of some 2 in a million. */
const DIGITS = 10;

/** Names may hold anything, and a page of 1,800 cells has thousands of links. */
function short(names: readonly unknown[]): string {
  return `c${sha256(JSON.stringify(names)).slice(0, DIGITS)}`;
}

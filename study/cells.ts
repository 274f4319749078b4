import { dataFreeMethods, type MethodName, methodLabels } from "./methods.js";
import type { CellCoordinates } from "./results.js";
import type { StudySpec } from "./spec.js";

/**
 * All cells of one model: the dense reference, method x source x size x set, and the noise replicates (every method on
 * the first source's first set of the largest size).
 */
export function expandCells(spec: StudySpec, model: string): CellCoordinates[] {
  const labels = methodLabels(spec.methods);
  const { sizes, sets, noiseReplicates } = spec.calibration;
  const cells: CellCoordinates[] = [
    { model, method: null, methodLabel: "dense", source: null, size: null, set: null, noise: null },
  ];
  for (const size of sizes) {
    for (let set = 0; set < sets; set++) {
      for (const { id: source } of spec.sources) {
        spec.methods.forEach((method, i) => {
          cells.push({ model, method, methodLabel: labels[i], source, size, set, noise: null });
        });
      }
    }
  }
  for (let noise = 0; noise < noiseReplicates; noise++) {
    spec.methods.forEach((method, i) => {
      const source = spec.sources[0].id;
      cells.push({ model, method, methodLabel: labels[i], source, size: Math.max(...sizes), set: 0, noise });
    });
  }
  return cells;
}

/** Unique in a study; safe in workflow ids. */
export function cellName(cell: CellCoordinates): string {
  if (cell.method === null) return `${cell.model}/dense`;
  const noise = cell.noise === null ? "" : `-noise${cell.noise}`;
  return `${cell.model}/${cell.methodLabel}/${cell.source}-n${cell.size}-set${cell.set}${noise}`;
}

export function isDataFree(method: MethodName): boolean {
  return dataFreeMethods.includes(method);
}

import { dataFreeMethods, type MethodName, methodLabels } from "./methods.js";
import type { CellCoordinates } from "./results.js";
import type { StudySpec } from "./spec.js";

/**
 * All cells of one model: the dense reference, method x source x size x set, and the noise replicates: each method that
 * uses calibration data, on the first source's first set of the largest size. The noise floor is what a spread over sets is
 * held against, and the others must have no such spread.
 */
export function expandCells(spec: StudySpec, model: string): CellCoordinates[] {
  const labels = methodLabels(spec.methods);
  const { sizes, noiseReplicates } = spec.calibration;
  const sets = setsOf(spec);
  const cells = [denseCell(model)];
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
      if (isDataFree(method.method)) return;
      const source = spec.sources[0].id;
      cells.push({ model, method, methodLabel: labels[i], source, size: Math.max(...sizes), set: 0, noise });
    });
  }
  return cells;
}

export function denseCell(model: string): CellCoordinates {
  return { model, method: null, methodLabel: "dense", source: null, size: null, set: null, noise: null };
}

/**
 * The pilot of a model's compressed ones: the first set with the method that is to change the model most, as far as settings say:
 * one that prunes before one that quantizes, fewer bits before more. undefined where no method uses calibration data.
 */
export function pilotOf(spec: StudySpec, model: string): CellCoordinates | undefined {
  const cells = expandCells(spec, model).filter(({ method }) => method !== null && !isDataFree(method.method));
  const bits = ({ method }: CellCoordinates) => (method !== null && "bits" in method ? method.bits : 0);
  const fewest = Math.min(...cells.map(bits));
  return cells.find((cell) => bits(cell) === fewest);
}

/** Sets of a source that the study may compress with. */
export function setsOf({ stopping, calibration }: StudySpec): number {
  return stopping?.maximum ?? calibration.sets;
}

export function isDataFree(method: MethodName): boolean {
  return dataFreeMethods.includes(method);
}

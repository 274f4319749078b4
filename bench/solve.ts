import type { Visits } from "../compression/method.js";
import type { Progress } from "../infra/progress.js";
import { type MethodName, methodSettingsSchema } from "../study/methods.js";
import { loadBackend } from "../tensor/backend.js";
import { type Machine, measureMachine, showMachine } from "./machine.js";
import { type SolveFigures, showSolves, solveFigures } from "./solve-figures.js";
import { randomSolveLayer } from "./solve-layer.js";
import { checkPython, solveInPyTorch } from "./solve-python.js";
import { solveTimer } from "./solve-time.js";
import { renderBenchTable } from "./table.js";

export interface SolveShape {
  rows: number;
  columns: number;
}

/** SmolLM2-135M's attention and gate, LLaMA-7B's attention and down projection. */
export const solveShapes: readonly SolveShape[] = [
  { rows: 576, columns: 576 },
  { rows: 1536, columns: 576 },
  { rows: 4096, columns: 4096 },
  { rows: 4096, columns: 11008 },
];

export const solveMethods: readonly MethodName[] = ["gptq", "spqr", "sparsegpt", "wanda", "rtn", "magnitude"];

export interface SolveOptions {
  methods: readonly MethodName[];
  shapes: readonly SolveShape[];
  /** A Python with torch, to run beside. */
  python?: string;
  /** How columns are visited (default: as studies do on this backend). */
  visits?: Visits;
}

/** Layers up to this many weights are solved several times, and the median is told. */
const SMALL = 2 ** 21;
const REPEATS = 5;

/**
 * Times each method with its default settings on one layer of random values at a time, as a study's solver does it.
 * @param show given each shape's table, as text, as soon as it is measured
 * @throws TouchstoneError SetupIncomplete where the Python is missing or has no torch
 */
export async function benchSolve(
  { methods, shapes, python, visits }: SolveOptions,
  progress: Progress,
  show: (text: string) => void,
): Promise<{ machine: Machine; solves: SolveFigures[] }> {
  if (python !== undefined) await checkPython(python);
  const { threads } = await loadBackend();
  const largest = (side: keyof SolveShape) => Math.max(...shapes.map((shape) => shape[side]));
  const machine = await progress.step("measuring the hardware", () =>
    measureMachine({ hiddenSize: largest("rows"), intermediateSize: largest("columns") }),
  );
  show(renderBenchTable("hardware", showMachine(machine)));
  const solves: SolveFigures[] = [];
  for (const { rows, columns } of shapes) {
    const name = `${rows} x ${columns}`;
    const given = await progress.step(`making a layer of ${name}`, async () => randomSolveLayer(rows, columns));
    const repeats = rows * columns <= SMALL ? REPEATS : 1;
    const timeSolves = solveTimer(given, repeats, visits);
    const own: SolveFigures[] = [];
    for (const method of methods) {
      const settings = methodSettingsSchema.parse({ method });
      const ours = await progress.step(`${name}: ${method}`, () => timeSolves(settings));
      const theirs =
        python === undefined
          ? undefined
          : await progress.step(
              `${name}: ${method} in PyTorch`,
              (report) => solveInPyTorch(given, settings, { python, threads, repeats }, report),
              { unit: "columns" },
            );
      own.push(solveFigures(given.layer, settings, machine, ours, theirs));
    }
    show(renderBenchTable(`one layer, ${name}`, showSolves(own, repeats)));
    solves.push(...own);
  }
  return { machine, solves };
}

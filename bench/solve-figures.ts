import type { Layer } from "../compression/method.js";
import type { MethodName, MethodSettings } from "../study/methods.js";
import type { Machine } from "./machine.js";
import type { PyTorchSolve } from "./solve-python.js";
import type { SolveTime } from "./solve-time.js";
import { leastSeconds, solveWork } from "./solve-work.js";
import type { BenchTable } from "./table.js";

export interface SolveFigures {
  method: MethodName;
  rows: number;
  columns: number;
  seconds: number;
  /** Of all threads, for machines that aren't idle. */
  processorSeconds: number;
  /** Of the seconds; null for methods that factorise nothing. */
  factorise: number | null;
  /** What the method has to do, as `solveWork` counts it, in that time. */
  gflops: number;
  /** Seconds that this machine takes at the least. */
  limit: number;
  pyTorch: { seconds: number; factorise: number; difference: Difference } | null;
}

/** How far the weights of two implementations are apart: a rounding that falls the other way changes what follows in its row. */
interface Difference {
  largest: number;
  /** Share of the weights that differ by more than a thousandth of the layer's largest one. */
  share: number;
}

const CLOSE = 1e-3;

export function solveFigures(
  { rows, columns }: Layer,
  settings: MethodSettings,
  machine: Machine,
  { weight, ...time }: SolveTime,
  theirs: PyTorchSolve | undefined,
): SolveFigures {
  const blockSize = "blockSize" in settings ? settings.blockSize : undefined;
  const work = solveWork(settings.method, { rows, columns }, blockSize);
  return {
    ...{ method: settings.method, rows, columns, ...time },
    gflops: work.operations / time.seconds / 1e9,
    limit: leastSeconds(work, machine),
    pyTorch:
      theirs === undefined
        ? null
        : {
            ...{ seconds: theirs.seconds, factorise: theirs.factorise },
            difference: differenceOf(weight, theirs.weight),
          },
  };
}

function differenceOf(a: Float32Array, b: Float32Array): Difference {
  const close = CLOSE * a.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  let [largest, apart] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i] - b[i]);
    largest = Math.max(largest, difference);
    if (difference > close) apart++;
  }
  return { largest, share: apart / a.length };
}

export function showSolves(measured: readonly SolveFigures[], repeats: number): BenchTable {
  const compared = measured.some(({ pyTorch }) => pyTorch !== null);
  return {
    head: [
      ...["method", "seconds", "factorise", "solve", "processor, s", "GFLOP/s", "limit, s", "times the limit"],
      ...(compared
        ? ["PyTorch: seconds", "factorise", "solve", "times as fast", "largest difference", "differing"]
        : []),
    ],
    rows: measured.map(({ method, seconds, processorSeconds, factorise, gflops, limit, pyTorch }) => [
      method,
      ...phases(seconds, factorise),
      ...[digits(processorSeconds), gflops.toFixed(1), digits(limit), (seconds / limit).toFixed(1)],
      ...(pyTorch === null ? [] : compare(pyTorch, seconds, factorise !== null)),
    ]),
    notes: [
      `${repeats === 1 ? "one run" : `the median of ${repeats} runs`}, default settings; the factorisation is timed by itself`,
      "GFLOP/s: 2/3 columns^3 (Cholesky factorisation, triangular inverse) + rows * columns^2 (errors to later columns) +",
      "some a weight (grids, masks; alone with rtn, wanda, magnitude), however many are really done",
      "limit: the longer of these operations at the fastest product's rate and the least bytes at a copy's",
    ],
  };
}

function compare(
  { seconds, factorise, difference }: NonNullable<SolveFigures["pyTorch"]>,
  ours: number,
  hasPhases: boolean,
) {
  return [
    ...phases(seconds, hasPhases ? factorise : null),
    (seconds / ours).toFixed(1),
    difference.largest.toExponential(1),
    `${(100 * difference.share).toFixed(2)} %`,
  ];
}

function phases(seconds: number, factorise: number | null): string[] {
  const parts = factorise === null ? ["", ""] : [digits(factorise), digits(seconds - factorise)];
  return [digits(seconds), ...parts];
}

/** Three digits. */
function digits(seconds: number): string {
  return seconds >= 100 ? seconds.toFixed(0) : seconds.toPrecision(3);
}

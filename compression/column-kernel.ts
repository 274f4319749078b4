import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { TouchstoneError } from "../study/errors.js";

/** A block of columns in the kernels' memory (kernels/), worked on panel by panel. */
export interface KernelBlock {
  /** Weights as they stand before the block's own errors, to be filled; rows of panels that ended: what they became. [rows, width] */
  readonly current: Float32Array;
  /** Two bytes a weight for the method: those of panels that ended. Each [rows, width] */
  readonly bytes: readonly [Uint8Array, Uint8Array];
  /** The errors of panels that ended, [width, rows] */
  readonly errors: Float32Array;
  /** U inside the block, [width, width]; to be filled. */
  readonly upper: Float32Array;
  readonly panel: KernelPanel;
  /** Begins a panel. */
  begin(firstRow: number, rows: number): void;
  /**
   * Takes the errors of column j, whose `kept` is filled, from the panel's later columns: from those of its step `first .. stop - 1`
   * at once, from those after it when its last column is settled.
   * @returns the sum of the errors' squares
   */
  settle(j: number, first: number, stop: number): number;
  /** Ends the panel. */
  end(): void;
}

/** Some rows of a block, columns together: row r of column j is at j * height + r. What is beyond `rows` has no meaning. */
export interface KernelPanel {
  readonly height: number;
  /** Weights with the errors of earlier columns propagated to them. */
  readonly values: Float32Array;
  /** What the weights become, to be filled by the visit of the column. */
  readonly kept: Float32Array;
  /** Two bytes a weight for the method. */
  readonly bytes: readonly [Uint8Array, Uint8Array];
  /** The rows' grids, [height], for `round` and `roundReal`. */
  readonly scales: Float32Array;
  readonly zeros: Float32Array;
  /** Visits column j: the first bytes receive codes. */
  round(j: number, limit: number): void;
  /** Visits column j with real zero points: the first bytes receive codes, the second 1 where an error's square is above `threshold`. */
  roundReal(j: number, limit: number, threshold: number): void;
  /** Visits column j: keeps weights whose first byte is 1. */
  keepMarked(j: number): void;
  /** The first bytes of `count` columns from j become 0 for the `pruned` of each row that cost least, else 1. */
  markLeast(j: number, count: number, pruned: number): void;
  /** Fits `scales` and `zeros` to `count` columns from j; up to a finite threshold, with likely outliers. */
  fitReal(j: number, count: number, limit: number, threshold: number): void;
}

/** What kernels/ export: addresses in bytes, and numbers. */
type Kernels = Readonly<
  Record<
    | "takeRows"
    | "giveRows"
    | "giveBytes"
    | "giveColumns"
    | "settle"
    | "round"
    | "roundReal"
    | "keepMarked"
    | "markLeast"
    | "fitReal",
    (...args: number[]) => number
  >
>;

/** Node has it, but the types of Node 20 don't. */
declare namespace WebAssembly {
  class Memory {
    constructor(pages: { initial: number });
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }
  class Module {
    constructor(code: Uint8Array);
  }
  class Instance {
    constructor(module: Module, imports: { env: { memory: Memory } });
    readonly exports: unknown;
  }
}

const FLOAT = Float32Array.BYTES_PER_ELEMENT;
/** Bytes of a vector, of float32 or bytes. */
const ALIGNMENT = 16;
const PAGE_BYTES = 65536;
/** A panel's height is a multiple of it. */
const LANES = 8;

const memory = new WebAssembly.Memory({ initial: 1 });
let loaded: Kernels | undefined;

/** @throws TouchstoneError SetupIncomplete where the build is older than the sources */
function load(): Kernels {
  const path = fileURLToPath(new URL("../kernels/kernels.wasm", import.meta.url));
  if (!existsSync(path)) {
    throw new TouchstoneError("SetupIncomplete", {
      what: "The compiled kernels are missing",
      where: path,
      todo: "Run `npm run build`.",
    });
  }
  const code = readFileSync(path);
  return new WebAssembly.Instance(new WebAssembly.Module(code), { env: { memory } }).exports as Kernels;
}

/**
 * A block of `rows` and `width` columns, for panels of at most `panelRows`. The process has one such memory: opening a block takes
 * away the one before.
 */
export function openBlock(rows: number, width: number, panelRows: number): KernelBlock {
  loaded ??= load();
  const kernels = loaded;
  const height = Math.ceil(panelRows / LANES) * LANES;
  const [size, panelSize] = [rows * width, height * width];
  const floats = [size, size, width * width, panelSize, panelSize, panelSize, height, height, LANES * width];
  const bytes = [size, size, panelSize, panelSize];
  const places = reserve([...floats.map((length) => FLOAT * length), ...bytes]);
  const [atCurrent, atErrors, atUpper, atValues, atKept, atLost, atScales, atZeros, atWork] = places;
  const [atFirst, atSecond, atPanelFirst, atPanelSecond] = places.slice(floats.length);
  const floatsAt = (place: number, length: number) => new Float32Array(memory.buffer, place, length);
  const bytesAt = (place: number, length: number) => new Uint8Array(memory.buffer, place, length);
  const upper = floatsAt(atUpper, width * width);
  const columnBytes = FLOAT * height;
  const pivotBytes = FLOAT * (width + 1);
  let [firstRow, count] = [0, 0];
  return {
    current: floatsAt(atCurrent, size),
    errors: floatsAt(atErrors, size),
    bytes: [bytesAt(atFirst, size), bytesAt(atSecond, size)],
    upper,
    panel: {
      height,
      values: floatsAt(atValues, panelSize),
      kept: floatsAt(atKept, panelSize),
      bytes: [bytesAt(atPanelFirst, panelSize), bytesAt(atPanelSecond, panelSize)],
      scales: floatsAt(atScales, height),
      zeros: floatsAt(atZeros, height),
      round: (j, limit) => {
        const [at, codes] = [j * columnBytes, atPanelFirst + j * height];
        kernels.round(atValues + at, atKept + at, codes, atScales, atZeros, height, limit);
      },
      roundReal: (j, limit, threshold) => {
        const [at, codes, marks] = [j * columnBytes, atPanelFirst + j * height, atPanelSecond + j * height];
        const pivot = upper[j * (width + 1)];
        const [value, kept] = [atValues + at, atKept + at];
        kernels.roundReal(value, kept, codes, marks, atScales, atZeros, height, limit, pivot, threshold);
      },
      keepMarked: (j) => {
        kernels.keepMarked(atValues + j * columnBytes, atKept + j * columnBytes, atPanelFirst + j * height, height);
      },
      markLeast: (j, of, pruned) => {
        const [value, marks] = [atValues + j * columnBytes, atPanelFirst + j * height];
        kernels.markLeast(value, marks, atUpper + j * pivotBytes, pivotBytes, atWork, height, of, pruned);
      },
      fitReal: (j, of, limit, threshold) => {
        const [value, pivots] = [atValues + j * columnBytes, atUpper + j * pivotBytes];
        kernels.fitReal(value, atScales, atZeros, pivots, pivotBytes, atWork, height, of, limit, threshold);
      },
    },
    begin: (row, rows) => {
      [firstRow, count] = [row, rows];
      kernels.takeRows(atCurrent + FLOAT * row * width, atValues, height, rows, width);
    },
    settle: (j, first, stop) => kernels.settle(atValues, atKept, atLost, atUpper, height, count, width, j, first, stop),
    end: () => {
      const at = firstRow * width;
      kernels.giveRows(atKept, atCurrent + FLOAT * at, height, count, width);
      kernels.giveBytes(atPanelFirst, atFirst + at, height, count, width);
      kernels.giveBytes(atPanelSecond, atSecond + at, height, count, width);
      kernels.giveColumns(atLost, atErrors + FLOAT * firstRow, height, rows, count, width);
    },
  };
}

/** Addresses of so many bytes each in the kernels' memory, which grows when it must. */
function reserve(sizes: readonly number[]): number[] {
  const places: number[] = [];
  let end = 0;
  for (const size of sizes) {
    places.push(end);
    end += ALIGNMENT * Math.ceil(size / ALIGNMENT);
  }
  const missing = Math.ceil((end - memory.buffer.byteLength) / PAGE_BYTES);
  if (missing > 0) memory.grow(missing);
  return places;
}

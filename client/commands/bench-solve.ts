import { Command, Option } from "commander";
import { benchSolve, type SolveShape, solveMethods, solveShapes } from "../../bench/solve.js";
import type { Visits } from "../../compression/method.js";
import { createProgress } from "../../infra/progress.js";
import { TouchstoneError } from "../../study/errors.js";
import type { MethodName } from "../../study/methods.js";
import { nearest } from "../../study/parse.js";
import { printJson } from "./output.js";

interface SolveOptions {
  only: readonly MethodName[];
  shape: readonly SolveShape[];
  python?: string;
  visits?: Visits;
  json?: boolean;
}

/** `touchstone bench solve`: each method on single layers of models' sizes, beside PyTorch where a Python is given. */
export function benchSolveCommand(): Command {
  const shapes = solveShapes.map(({ rows, columns }) => `${rows}x${columns}`).join(",");
  return new Command("solve")
    .description("measure each method on single layers of random values, and PyTorch on the same ones with --python")
    .option("--only <methods>", `methods, separated by commas: ${solveMethods.join(", ")}`, parseMethods, solveMethods)
    .option("--shape <shapes>", `layers, OUTxIN separated by commas (default: ${shapes})`, parseShapes)
    .option("--python <path>", "a Python that has torch")
    .addOption(
      new Option("--visits <how>", "visit columns by kernels on the CPU, or as tensors of the backend").choices([
        "kernels",
        "tensors",
      ]),
    )
    .option("--json", "print one JSON document")
    .action(async ({ only, shape = solveShapes, json, ...options }: SolveOptions) => {
      const show = (text: string) => {
        if (!json) process.stdout.write(text);
      };
      const results = await benchSolve({ ...options, methods: only, shapes: shape }, createProgress(), show);
      if (json) printJson(results);
    });
}

function parseMethods(text: string): MethodName[] {
  return text.split(",").map((part) => {
    const method = solveMethods.find((name) => name === part.trim());
    if (method !== undefined) return method;
    throw new TouchstoneError("UnknownMethod", {
      what: `There is no method "${part}"${nearest(part, solveMethods)}`,
      where: "--only",
      todo: `Methods are: ${solveMethods.join(", ")}.`,
    });
  });
}

function parseShapes(text: string): SolveShape[] {
  return text.split(",").map((part) => {
    const [, rows, columns] = /^\s*([1-9]\d*)x([1-9]\d*)\s*$/.exec(part) ?? [];
    // Patterns and groups of the default settings.
    if (columns !== undefined && Number(columns) % 4 === 0) return { rows: Number(rows), columns: Number(columns) };
    throw new TouchstoneError("InvalidSettings", {
      what: `"${part}" is no shape of a layer with inputs in whole runs of 4`,
      where: "--shape",
      todo: "Give OUTxIN, such as 4096x4096.",
    });
  });
}

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { command } from "../infra/commands.js";
import type { Report } from "../infra/progress.js";
import { checkoutFolder } from "../storage/home.js";
import type { MethodSettings } from "../study/methods.js";
import type { SolveLayer } from "./solve-layer.js";

/** The same method in PyTorch, on the same weight and second moment. */
export interface PyTorchSolve {
  seconds: number;
  /** Of them, until the factorisation was done. */
  factorise: number;
  weight: Float32Array;
}

export interface PyTorchOptions {
  python: string;
  threads: number;
  repeats: number;
}

const lineSchema = z.union([
  z.object({ done: z.number(), total: z.number() }),
  z.object({ seconds: z.number(), factorise: z.number() }),
]);

const TODO = "Name a Python that has torch.";
const SCRIPT = join(checkoutFolder, "bench", "solve_reference.py");

/** Before anything is measured. @throws TouchstoneError SetupIncomplete where the Python is missing or has no torch */
export async function checkPython(python: string): Promise<void> {
  await command(python, ["-c", "import torch"], TODO);
}

/** @throws TouchstoneError SetupIncomplete where the Python is missing or fails, with what it said */
export async function solveInPyTorch(
  { layer, hessian }: SolveLayer,
  settings: MethodSettings,
  { python, threads, repeats }: PyTorchOptions,
  report: Report,
): Promise<PyTorchSolve> {
  const folder = await mkdtemp(join(tmpdir(), "touchstone-solve-"));
  try {
    await writeFile(join(folder, "weight.bin"), layer.weight);
    await writeFile(join(folder, "hessian.bin"), hessian);
    const figures = [layer.rows, layer.columns, threads, repeats].map(String);
    let measured = { seconds: Number.NaN, factorise: Number.NaN };
    const onLine = (text: string) => {
      const line = lineSchema.parse(JSON.parse(text));
      if ("done" in line) report(line.done, line.total);
      else measured = line;
    };
    await command(python, [SCRIPT, folder, ...figures, JSON.stringify(settings)], TODO, { onLine });
    const bytes = await readFile(join(folder, "result.bin"));
    const weight = new Float32Array(bytes.buffer, bytes.byteOffset, layer.weight.length);
    return { seconds: measured.seconds, factorise: measured.factorise, weight };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

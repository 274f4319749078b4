import { TouchstoneError } from "../study/errors.js";
import { tryCommand } from "./commands.js";
import type { Progress } from "./progress.js";
import { installPythonPackages, pythonProgram } from "./python-environment.js";

/** The independent readers of exported models, as they were tried (PyPI). */
const PACKAGES = {
  torch: "2.15.0",
  transformers: "5.24.0",
  safetensors: "0.8.0",
  "compressed-tensors": "0.20.0",
  accelerate: "1.15.0",
  optimum: "2.3.0",
  gptqmodel: "7.7.0",
} as const;

/** A Python that has the readers: the one that `TOUCHSTONE_PYTHON` names, else the one that `installReaders` makes. */
export function readersPython(): string {
  return process.env.TOUCHSTONE_PYTHON || pythonProgram("readers", "python");
}

/**
 * Makes a Python environment with the readers, unless that was done before or `TOUCHSTONE_PYTHON` names one. It takes 6 GB: PyPI's
 * torch brings the CUDA libraries.
 * @throws TouchstoneError SetupIncomplete, DiskFull
 */
export async function installReaders(progress: Progress): Promise<void> {
  if (process.env.TOUCHSTONE_PYTHON) return requirePackages(process.env.TOUCHSTONE_PYTHON);
  const title = "installing torch, transformers and other readers of models (6 GB)";
  await installPythonPackages("readers", PACKAGES, progress, { title, usualSeconds: 600 });
}

async function requirePackages(python: string): Promise<void> {
  const code =
    "import importlib.metadata as m, sys\nfor n in sys.argv[1:]:\n try: m.version(n)\n except m.PackageNotFoundError: print(n)";
  const result = await tryCommand(python, ["-c", code, ...Object.keys(PACKAGES)]);
  const missing = result?.stdout.trim().split("\n").filter(Boolean) ?? [];
  if (result?.code === 0 && missing.length === 0) return;
  throw new TouchstoneError("SetupIncomplete", {
    what: result?.code === 0 ? `The Python lacks ${missing.join(", ")}` : "There is no such Python",
    where: `TOUCHSTONE_PYTHON=${python}`,
    todo: "Install them there, or unset the variable: an environment is then made.",
  });
}

import { join } from "node:path";
import { z } from "zod";
import { homePath } from "../storage/home.js";
import { TouchstoneError } from "../study/errors.js";
import { command, tryCommand } from "./commands.js";
import { readJson, writeJson } from "./json-file.js";
import { withLock } from "./lock.js";
import type { Progress } from "./progress.js";

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

const stampSchema = z.object({ packages: z.record(z.string(), z.string()) });

/** A Python that has the readers: the one that `TOUCHSTONE_PYTHON` names, else the one that `installReaders` makes. */
export function readersPython(): string {
  return process.env.TOUCHSTONE_PYTHON || join(homePath("readers"), "bin", "python");
}

/**
 * Makes a Python environment with the readers, unless that was done before or `TOUCHSTONE_PYTHON` names one. It takes 6 GB: PyPI's
 * torch brings the CUDA libraries.
 * @throws TouchstoneError SetupIncomplete, DiskFull
 */
export async function installReaders(progress: Progress): Promise<void> {
  if (process.env.TOUCHSTONE_PYTHON) return requirePackages(process.env.TOUCHSTONE_PYTHON);
  if (await isInstalled()) return;
  await withLock("readers", async () => {
    if (await isInstalled()) return;
    await progress.step("installing torch, transformers and other readers of models (6 GB)", install, {
      usualSeconds: 600,
    });
  });
}

async function isInstalled(): Promise<boolean> {
  const stamp = await readJson(stampFile(), stampSchema);
  return stamp !== undefined && JSON.stringify(stamp.packages) === JSON.stringify(PACKAGES);
}

function stampFile(): string {
  return homePath("readers", "touchstone.json");
}

/** Environments can't be moved: it is made in its place, and its stamp written last. */
async function install(): Promise<void> {
  const folder = homePath("readers");
  await command("python3", ["-m", "venv", "--clear", folder], "Install Python 3.10 or newer with venv (python3-venv).");
  const wanted = Object.entries(PACKAGES).map(([name, version]) => `${name}==${version}`);
  await command(
    join(folder, "bin", "python"),
    ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...wanted],
    "Check that pip reaches its index, or name a Python that has these packages in TOUCHSTONE_PYTHON.",
  );
  await writeJson(stampFile(), { packages: PACKAGES });
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

import { join } from "node:path";
import { z } from "zod";
import { homePath } from "../storage/home.js";
import { command } from "./commands.js";
import { readJson, writeJson } from "./json-file.js";
import { withLock } from "./lock.js";
import type { Progress } from "./progress.js";

/** Python packages of PyPI, with their versions. */
export type PythonPackages = Readonly<Record<string, string>>;

const stampSchema = z.object({ packages: z.record(z.string(), z.string()) });

/** A program of the environment in a folder of the home. */
export function pythonProgram(folder: string, name: string): string {
  return join(homePath(folder), "bin", name);
}

/**
 * Makes a Python environment with these packages in a folder of the home, unless that was done before.
 * @throws TouchstoneError SetupIncomplete, DiskFull
 */
export async function installPythonPackages(
  folder: string,
  packages: PythonPackages,
  progress: Progress,
  { title, usualSeconds }: { title: string; usualSeconds: number },
): Promise<void> {
  const stampFile = homePath(folder, "touchstone.json");
  const isInstalled = async () => {
    const stamp = await readJson(stampFile, stampSchema);
    return stamp !== undefined && JSON.stringify(stamp.packages) === JSON.stringify(packages);
  };
  if (await isInstalled()) return;
  await withLock(folder, async () => {
    if (await isInstalled()) return;
    await progress.step(title, () => install(homePath(folder), packages), { usualSeconds });
    await writeJson(stampFile, { packages });
  });
}

/** Environments can't be moved: it is made in its place, and its stamp written last. */
async function install(folder: string, packages: PythonPackages): Promise<void> {
  await command("python3", ["-m", "venv", "--clear", folder], "Install Python 3.10 or newer with venv (python3-venv).");
  const wanted = Object.entries(packages).map(([name, version]) => `${name}==${version}`);
  await command(
    join(folder, "bin", "python"),
    ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...wanted],
    "Check that pip reaches its index (docs/operators.md, Proxies and mirrors).",
  );
}

import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { checkoutFolder, homePath } from "../storage/home.js";
import { command } from "./commands.js";
import { fetchNpmPackage, fetchPyPiPackage, type PackageFile, type PackageName } from "./download.js";
import { readJson, writeJson } from "./json-file.js";
import { withLock } from "./lock.js";
import type { Progress, Report } from "./progress.js";

/** Parts of a package, unpacked in a folder of the home. */
export interface Unpacked extends PackageName {
  /** Folder in the home. */
  folder: string;
  /** Shell patterns of the members wanted; `*` also stands for slashes. */
  members: readonly string[];
}

/** Inside an unpacked folder: says what it was made of. The folder got its name last, so it is whole. */
const stampSchema = z.object({
  name: z.string(),
  version: z.string(),
  members: z.array(z.string()),
  sha256: z.string(),
});

/**
 * The folder with the wanted parts of a package: fetched, checked and unpacked unless that was done before. The package
 * itself isn't kept then.
 * @throws TouchstoneError SetupIncomplete, DiskFull
 */
export async function unpackedPackage(wanted: Unpacked, progress: Progress): Promise<string> {
  const folder = homePath(wanted.folder);
  if (await isUnpacked(wanted)) return folder;
  return withLock(`unpack-${wanted.folder.replaceAll("/", "-")}`, async () => {
    if (await isUnpacked(wanted)) return folder;
    const file = await progress.step(`fetching ${wanted.name} ${wanted.version}`, (report) =>
      fetchPackage(wanted, report),
    );
    await progress.step(`unpacking ${wanted.name}`, (report) =>
      replaceFolder(folder, async (aside) => {
        await extract(file.path, aside, wanted.members, report);
        const { name, version, members } = wanted;
        await writeJson(join(aside, "touchstone.json"), { name, version, members, sha256: file.sha256 });
      }),
    );
    await rm(file.path);
    return folder;
  });
}

export async function isUnpacked({ folder, name, version, members }: Unpacked): Promise<boolean> {
  const stamp = await readJson(homePath(folder, "touchstone.json"), stampSchema);
  return stamp?.name === name && stamp.version === version && stamp.members.join() === members.join();
}

export function fetchPackage({ registry, name, version }: PackageName, report: Report): Promise<PackageFile> {
  return registry === "pypi" ? fetchPyPiPackage(name, version, report) : fetchNpmPackage(name, version, report);
}

/** Unpacks the members of a wheel or npm package that match one of the patterns. */
export async function extract(
  archive: string,
  folder: string,
  members: readonly string[],
  report: Report,
): Promise<void> {
  const script = join(checkoutFolder, "infra", "extract.py");
  await command("python3", [script, archive, folder, ...members], "Is python3 whole, and may the folder be written?", {
    onLine: (line) => {
      const [done, total] = line.split(" ").map(Number);
      report(done, total);
    },
  });
}

/** Fills a folder aside and gives it its name when it is whole. */
export async function replaceFolder(folder: string, fill: (aside: string) => Promise<void>): Promise<void> {
  const aside = `${folder}.partial-${process.pid}`;
  try {
    await mkdir(aside, { recursive: true });
    await fill(aside);
    await mkdir(dirname(folder), { recursive: true });
    await rm(folder, { recursive: true, force: true });
    await rename(aside, folder);
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

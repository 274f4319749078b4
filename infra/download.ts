import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import { homePath } from "../storage/home.js";
import { TouchstoneError } from "../study/errors.js";
import { command } from "./commands.js";
import { readJson, writeJson } from "./json-file.js";
import { readPins } from "./pins.js";
import type { Report } from "./progress.js";

export interface PackageFile {
  path: string;
  sha256: string;
}

/** A package's release on PyPI or npm. */
export interface PackageName {
  registry: "pypi" | "npm";
  name: string;
  version: string;
}

const recordSchema = z.object({ file: z.string(), sha256: z.string() });

/**
 * A wheel, without its dependencies and without installing it, by `python3 -m pip download` and hence as pip is configured
 * (index, mirror, proxy, certificates). Left in `downloads/`. Its digest must be the pinned one; a wheel that has no pin
 * (another platform's) is checked by pip against the index, and recorded.
 * @throws TouchstoneError SetupIncomplete when it can't be fetched or is another file than it should be; DiskFull.
 */
export function fetchPyPiPackage(name: string, version: string, report: Report = () => {}): Promise<PackageFile> {
  return fetchOnce({ registry: "pypi", name, version }, async (folder, temporary) => {
    const { pypi } = await readPins();
    const prefix = `${name.replaceAll("-", "_")}-${version}-`;
    const bytes = Object.entries(pypi).find(([file]) => file.startsWith(prefix))?.[1].bytes;
    // The wheel's Python tag is of no matter for what is in it, but pip only takes what fits the version it is told.
    const options = ["--no-deps", "--only-binary=:all:", "--python-version", "3.11", "--dest", folder];
    await watchingSize(temporary, bytes, report, () =>
      command("python3", ["-m", "pip", "download", ...options, `${name}==${version}`], PIP_ADVICE, {
        env: { ...process.env, TMPDIR: temporary },
      }),
    );
    const path = await onlyFile(folder);
    const sha256 = await digest(path, "sha256", "hex");
    const pin = pypi[basename(path)];
    if (pin !== undefined && pin.sha256 !== sha256) throw otherFile(basename(path), "sha256", pin.sha256, sha256);
    return { path, sha256 };
  });
}

/**
 * An npm package's archive, without its dependencies and without running anything of it, by `npm pack` and hence as npm is
 * configured. Left in `downloads/`; its digest must be the pinned one.
 * @throws TouchstoneError as `fetchPyPiPackage`.
 */
export function fetchNpmPackage(name: string, version: string, report: Report = () => {}): Promise<PackageFile> {
  return fetchOnce({ registry: "npm", name, version }, async (folder, temporary) => {
    const pin = (await readPins()).npm[`${name}@${version}`];
    await watchingSize(temporary, pin?.bytes, report, () =>
      command(
        "npm",
        ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder, `${name}@${version}`],
        NPM_ADVICE,
        {
          cwd: folder,
        },
      ),
    );
    const path = await onlyFile(folder);
    const integrity = `sha512-${await digest(path, "sha512", "base64")}`;
    if (pin !== undefined && pin.integrity !== integrity)
      throw otherFile(basename(path), "integrity", pin.integrity, integrity);
    return { path, sha256: await digest(path, "sha256", "hex") };
  });
}

const PIP_ADVICE =
  "Check that pip works and reaches its index: `python3 -m pip --version`, `python3 -m pip config list` (proxy, mirror, certificates).";
const NPM_ADVICE = "Check that npm reaches its registry: `npm ping`, `npm config list` (proxy, mirror, certificates).";

/** The package from `downloads/`, where its bytes are still those that were checked; else fetched into a folder aside, then moved there. */
async function fetchOnce(
  { registry, name, version }: PackageName,
  fetch: (folder: string, temporary: string) => Promise<PackageFile>,
): Promise<PackageFile> {
  const downloads = homePath("downloads");
  const recordPath = join(downloads, `${registry}-${name.replaceAll("/", "-")}-${version}.json`);
  const record = await readJson(recordPath, recordSchema);
  if (record !== undefined) {
    const path = join(downloads, record.file);
    const kept = (await stat(path).catch(() => undefined))?.isFile() ?? false;
    if (kept && (await digest(path, "sha256", "hex")) === record.sha256) return { path, sha256: record.sha256 };
  }
  const aside = join(downloads, `partial-${process.pid}-${name.replaceAll("/", "-")}`);
  try {
    await mkdir(join(aside, "temporary"), { recursive: true });
    await mkdir(join(aside, "package"));
    const { path, sha256 } = await fetch(join(aside, "package"), join(aside, "temporary"));
    const final = join(downloads, basename(path));
    await rename(path, final);
    await writeJson(recordPath, { file: basename(path), sha256 });
    return { path: final, sha256 };
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

/** pip only draws its progress for people; the size of its temporary files tells the same to everybody. */
async function watchingSize<T>(folder: string, total: number | undefined, report: Report, work: () => Promise<T>) {
  const timer = setInterval(() => {
    folderSize(folder).then(
      (bytes) => bytes > 0 && report(Math.min(bytes, total ?? bytes), total),
      () => {},
    );
  }, 500);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

async function folderSize(folder: string): Promise<number> {
  const files = await readdir(folder, { withFileTypes: true, recursive: true });
  const sizes = files.filter((f) => f.isFile()).map(async (f) => (await stat(join(f.parentPath, f.name))).size);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

async function digest(path: string, algorithm: string, encoding: "hex" | "base64"): Promise<string> {
  const hash = createHash(algorithm);
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest(encoding);
}

async function onlyFile(folder: string): Promise<string> {
  const [file] = await readdir(folder);
  if (file !== undefined) return join(folder, file);
  throw new TouchstoneError("SetupIncomplete", {
    what: "The package manager left no file",
    where: folder,
    todo: "Try again.",
  });
}

function otherFile(file: string, kind: string, expected: string, found: string): TouchstoneError {
  return new TouchstoneError("SetupIncomplete", {
    what: `The package index serves another file than the released one: its ${kind} is ${found}, not ${expected}`,
    where: file,
    todo: "Nothing of it was used. Ask whoever runs the mirror, or use another index.",
  });
}

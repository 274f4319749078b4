import { mkdir, rename, rm, rmdir, stat, statfs, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileSize, isS3, joinUri, readFile, removeFile, uploadFile } from "../storage/files.js";
import { homePath } from "../storage/home.js";
import { TouchstoneError } from "../study/errors.js";
import { checksums } from "./checksum.js";
import { emptyManifest, MANIFEST_FILE, type Manifest, parseManifest } from "./manifest.js";

/** Where fetched data goes: a local folder, or a place in a bucket. */
export interface DataFolder {
  uri(path: string): string;
  /** Bytes of the file at `path`; undefined where there is none. */
  size(path: string): Promise<number | undefined>;
  /** The file's checksums, of the kind of `like`; undefined in a bucket, where they would cost reading it. */
  checksums(path: string, like: string): Promise<{ sha256: string; checksum: string } | undefined>;
  /** A local path for a file that isn't whole yet, the same at every call. */
  staging(name: string): string;
  /** Puts a whole local file at `path`, in one step that nobody sees half of. */
  place(staged: string, path: string): Promise<void>;
  remove(path: string): Promise<void>;
  manifest(): Promise<Manifest>;
  writeManifest(manifest: Manifest): Promise<void>;
  /** @throws TouchstoneError DiskFull where files of these sizes, written one after another, don't fit */
  requireSpace(sizes: readonly number[]): Promise<void>;
  /** Removes what is left of staging, if nothing is. */
  tidy(): Promise<void>;
}

export function openDataFolder(out: string): DataFolder {
  const remote = isS3(out);
  const stagingFolder = remote ? homePath("downloads", "hub") : join(out, ".partial");
  const uri = (path: string) => joinUri(out, path);
  const staging = (name: string) => join(stagingFolder, name);
  const place = async (staged: string, path: string) => {
    if (remote) {
      await uploadFile(staged, uri(path));
      await rm(staged);
      return;
    }
    await mkdir(dirname(uri(path)), { recursive: true });
    await rename(staged, uri(path));
  };
  return {
    uri,
    staging,
    place,
    size: (path) => fileSize(uri(path)),
    checksums: async (path, like) => (remote ? undefined : checksums(uri(path), like)),
    remove: (path) => removeFile(uri(path)),
    manifest: async () => {
      const path = uri(MANIFEST_FILE);
      if ((await fileSize(path)) === undefined) return emptyManifest;
      return parseManifest(new TextDecoder().decode(await readFile(path)), path);
    },
    writeManifest: async (manifest) => {
      const staged = staging(`${MANIFEST_FILE}.${process.pid}`);
      await mkdir(stagingFolder, { recursive: true });
      await writeFile(staged, `${JSON.stringify(manifest, null, 2)}\n`);
      await place(staged, MANIFEST_FILE);
    },
    requireSpace: async (sizes) => {
      await mkdir(stagingFolder, { recursive: true });
      const { bavail, bsize } = await statfs(stagingFolder);
      // What goes to a bucket is here one file at a time.
      const needed = remote ? Math.max(0, ...sizes) : sizes.reduce((sum, size) => sum + size, 0);
      if (needed > bavail * bsize) throw noSpace(needed, bavail * bsize, stagingFolder);
    },
    tidy: () => rmdir(stagingFolder).catch(() => {}),
  };
}

/** Bytes of a staged file, 0 where there is none. */
export async function stagedSize(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

function noSpace(needed: number, free: number, where: string): TouchstoneError {
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  return new TouchstoneError("DiskFull", {
    what: `There is no space for ${gigabytes(needed)}: ${gigabytes(free)} are free`,
    where,
    todo: "Free some, take fewer shards (--shards), or give another folder or bucket.",
  });
}

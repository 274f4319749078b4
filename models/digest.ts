import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { isS3, openFile } from "../storage/files.js";
import { homePath } from "../storage/home.js";
import { identity, sha256 } from "../storage/identity.js";
import { readLocalRecord, replaceLocalRecord } from "../storage/local-record.js";

/**
 * Identity of files together, by their names and contents: hexadecimal SHA-256. Local files are read once, and again only when
 * they change; objects in S3 are identified by size and ETag, without being read.
 */
export async function filesDigest(files: ReadonlyMap<string, string>): Promise<string> {
  const digests: [string, string][] = [];
  for (const [name, uri] of files) digests.push([name, await fileDigest(uri)]);
  return identity(digests);
}

export async function fileDigest(uri: string): Promise<string> {
  const file = await openFile(uri);
  try {
    if (isS3(uri)) return sha256(file.version);
    const key = `${resolve(uri)} ${file.version}`;
    const known = (await readCache())[key];
    if (known !== undefined) return known;
    const hash = createHash("sha256");
    for await (const part of await file.stream()) hash.update(part);
    const digest = hash.digest("hex");
    await remember(key, digest);
    return digest;
  } finally {
    await file.close();
  }
}

function cachePath(): string {
  return homePath("cache", "digests.json");
}

/** What can't be read is computed again, as is an entry that two processes overwrite for each other. */
async function readCache(): Promise<Record<string, string>> {
  return (await readLocalRecord<Record<string, string>>(cachePath())) ?? {};
}

async function remember(key: string, digest: string): Promise<void> {
  await replaceLocalRecord(cachePath(), { ...(await readCache()), [key]: digest });
}

import { datasetInfo, listFiles } from "@huggingface/hub";
import picomatch from "picomatch";
import { z } from "zod";
import { TouchstoneError } from "../study/errors.js";
import { type HubDataset, splitFiles } from "./dataset.js";
import type { Hub } from "./hub.js";
import { hubError } from "./hub-error.js";

/** A file of a repository at one commit. */
export interface HubFile {
  path: string;
  /** Bytes. */
  size: number;
  /** `sha256:` of the content where the hub keeps it aside from git (LFS, Xet), else `git:` the blob's SHA-1. */
  checksum: string;
}

const COMMIT = /^[0-9a-f]{40}$/;
const digest = (length: number) => z.string().regex(new RegExp(`^[0-9a-f]{${length}}$`));
const fileSchema = z.object({
  path: z.string(),
  size: z.int().nonnegative(),
  oid: digest(40),
  lfs: z.object({ oid: digest(64), size: z.int().nonnegative() }).optional(),
});

/**
 * The commit that a branch or tag points to now; a commit is given back.
 * @throws TouchstoneError AccessDenied, InvalidData (no such data set or revision), ServiceUnavailable
 */
export async function resolveRevision(hub: Hub, dataset: string, revision: string): Promise<string> {
  if (COMMIT.test(revision)) return revision;
  try {
    const { sha } = await datasetInfo({ name: dataset, revision, additionalFields: ["sha"], ...connection(hub) });
    return digest(40).parse(sha);
  } catch (cause) {
    throw hubError(cause, hub, { dataset, revision });
  }
}

/**
 * The files of a data set's split at a commit, in the split's order.
 * @throws TouchstoneError as `resolveRevision`; InvalidData where the repository has no such files (any more)
 */
export async function listSplit(hub: Hub, wanted: HubDataset, commit: string): Promise<HubFile[]> {
  const { dataset } = wanted;
  const files = splitFiles(wanted);
  const { base, glob } = picomatch.scan(files);
  const path = glob === "" ? files.split("/").slice(0, -1).join("/") : base;
  const asked = { dataset, revision: commit, path: files };
  const isWanted = picomatch(files);
  const found: HubFile[] = [];
  try {
    const repo = { type: "dataset", name: dataset } as const;
    for await (const entry of listFiles({ repo, revision: commit, path, ...connection(hub) }))
      if (entry.type === "file" && isWanted(entry.path)) found.push(hubFile(fileSchema.parse(entry)));
  } catch (cause) {
    throw hubError(cause, hub, asked);
  }
  if (found.length > 0) return found.sort((a, b) => (a.path < b.path ? -1 : 1));
  throw new TouchstoneError("InvalidData", {
    what: `The data set has no file ${files} at this revision: its files were moved`,
    where: `${dataset}, revision ${commit}`,
    todo: "Name another revision with --revision; touchstone reads the layout named here.",
  });
}

function hubFile({ path, size, oid, lfs }: z.output<typeof fileSchema>): HubFile {
  return lfs === undefined
    ? { path, size, checksum: `git:${oid}` }
    : { path, size: lfs.size, checksum: `sha256:${lfs.oid}` };
}

function connection(hub: Hub) {
  return { hubUrl: hub.endpoint, fetch: hub.fetch, ...(hub.token === undefined ? {} : { accessToken: hub.token }) };
}

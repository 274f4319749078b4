import { createWriteStream } from "node:fs";
import { mkdir, rm, stat, truncate, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { systemError } from "../storage/system-error.js";
import { TouchstoneError } from "../study/errors.js";
import { checksums } from "./checksum.js";
import { datasetPage, type Hub } from "./hub.js";
import { type Asked, hubError, refusal } from "./hub-error.js";
import type { HubFile } from "./listing.js";

/** Answers in a row that bring nothing before giving up. */
const FRUITLESS = 5;

/**
 * One file of a repository into `partial`: what is there already is its beginning, and isn't asked for again. Checked against
 * the listing's checksum; a file that isn't the listed one is removed.
 *
 * The bytes are asked for here and not by the client's `downloadFile`, whose blob hides status and headers: a server that
 * ignores the range, or an answer that ends early, would go unnoticed. Addresses with `resolve` give every file's bytes, those
 * in Xet storage too, and `fetch` drops the token where they lead to another host.
 * @param commit of 40 hex digits
 * @returns the SHA-256 of the content
 * @throws TouchstoneError AccessDenied, InvalidData (no such file, another file than listed), ServiceUnavailable, DiskFull
 */
export async function downloadFile(
  hub: Hub,
  dataset: string,
  commit: string,
  file: HubFile,
  partial: string,
  report: (bytes: number) => void,
): Promise<string> {
  const asked = { dataset, revision: commit, path: file.path };
  await mkdir(dirname(partial), { recursive: true });
  let have = await sizeOf(partial);
  if (have === undefined || have > file.size) {
    await writeFile(partial, "");
    have = 0;
  }
  for (let fruitless = 0; have < file.size; ) {
    report(have);
    const failure = await append(hub, asked, file, partial, have, report);
    const now = (await sizeOf(partial)) ?? 0;
    fruitless = now > have ? 0 : fruitless + 1;
    if (fruitless === FRUITLESS) throw hubError(failure ?? new Error("answers end early"), hub, asked);
    have = now;
  }
  const { sha256, checksum } = await checksums(partial, file.checksum);
  if (checksum === file.checksum && have === file.size) return sha256;
  await rm(partial, { force: true });
  throw otherBytes(asked, `its checksum is ${checksum}, not ${file.checksum}`);
}

/** Asks for the bytes from `have` on, and keeps what comes. A connection that breaks is given back: the next request goes on. */
async function append(
  hub: Hub,
  asked: Asked,
  { path, size }: HubFile,
  partial: string,
  have: number,
  report: (bytes: number) => void,
): Promise<Error | undefined> {
  const url = `${datasetPage(hub, asked.dataset)}/resolve/${asked.revision}/${path.split("/").map(encodeURIComponent).join("/")}`;
  const headers = {
    // A range of a compressed answer would be a range of other bytes.
    "Accept-Encoding": "identity",
    ...(have === 0 ? {} : { Range: `bytes=${have}-` }),
    ...(hub.token === undefined ? {} : { Authorization: `Bearer ${hub.token}` }),
  };
  const answer = await hub.fetch(url, { headers }).catch((cause: unknown) => {
    throw hubError(cause, hub, asked);
  });
  if (answer.status === 416) {
    await truncate(partial);
    return undefined;
  }
  if (!answer.ok || answer.body === null) {
    throw refusal(answer.status, (await answer.text().catch(() => "")).slice(0, 300), hub, asked);
  }
  const start = answer.status === 206 ? startOf(answer) : 0;
  if (start !== have) await truncate(partial, 0);
  if (start !== have && start !== 0) return new Error(`asked for bytes from ${have} on, got those from ${start} on`);
  let done = start;
  const count = new Transform({
    transform(chunk: Uint8Array, _encoding, next) {
      done += chunk.length;
      if (done > size) return next(otherBytes(asked, `it is longer than the ${size} bytes that are listed`));
      report(done);
      next(null, chunk);
    },
  });
  try {
    await pipeline(Readable.fromWeb(answer.body as ReadableStream), count, createWriteStream(partial, { flags: "a" }));
    return undefined;
  } catch (error) {
    const final = error instanceof TouchstoneError ? error : systemError(error);
    if (final === undefined) return error as Error;
    if (final.type === "InvalidData") await rm(partial, { force: true });
    throw final;
  }
}

function startOf({ headers }: Response): number {
  return Number(/^bytes (\d+)-/.exec(headers.get("Content-Range") ?? "")?.[1] ?? Number.NaN);
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.size;
}

function otherBytes({ dataset, revision, path }: Asked, how: string): TouchstoneError {
  return new TouchstoneError("InvalidData", {
    what: `The hub sends another file than it lists: ${how}`,
    where: `${dataset}, revision ${revision}, ${path}`,
    todo: "It was removed. Run the same command again; if it happens again, something between here and the hub alters files (HF_ENDPOINT, a proxy).",
  });
}

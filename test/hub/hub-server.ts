import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after } from "node:test";

/** What goes wrong with the requests whose path `of` matches; `times` of them, then no more. */
export interface Fault {
  of: RegExp;
  times?: number;
  /** An answer in place of the right one. */
  status?: number;
  headers?: Record<string, string>;
  body?: string;
  /** The connection breaks after so many bytes of the body. */
  breakAfter?: number;
  /** The body ends after so many bytes, as if that were all. */
  endAfter?: number;
  /** Nothing comes after so many bytes, and the connection stays. */
  stallAfter?: number;
  /** Other bytes of the same length. */
  corrupt?: boolean;
  /** More bytes than there are. */
  longer?: boolean;
  /** The whole file, whatever was asked for. */
  ignoreRange?: boolean;
}

export interface Asked {
  path: string;
  range: string | undefined;
  authorization: string | undefined;
}

/** As much of the Hugging Face hub as fetching data sets takes, in this process, with faults at will. */
export interface HubServer {
  endpoint: string;
  /** By data set: its branches' commits, and its commits' files. */
  repositories: Map<string, { branches: Record<string, string>; commits: Record<string, Map<string, Uint8Array>> }>;
  /** Data sets that need a token, and have to be asked for. */
  gated: Set<string>;
  /** Entries a page of a listing. */
  pageSize: number;
  faults: Fault[];
  /** Requests to the hub, and to the host that it sends large files from. */
  asked: Asked[];
  fromCdn: Asked[];
}

/** Larger files are kept aside from git, and come from another host. */
const LARGE = 1000;

export async function startHub(): Promise<HubServer> {
  const hub: HubServer = {
    ...{ endpoint: "", repositories: new Map(), gated: new Set(), pageSize: 1000 },
    ...{ faults: [], asked: [], fromCdn: [] },
  };
  const cdn = await listen(createServer((request, response) => sendLarge(hub, request, response)));
  hub.endpoint = await listen(createServer((request, response) => answer(hub, cdn, request, response)));
  return hub;
}

/** A commit's name, from any word. */
export function commitOf(word: string): string {
  return createHash("sha1").update(word).digest("hex");
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function answer(hub: HubServer, cdn: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? "/", hub.endpoint);
  const path = url.pathname;
  hub.asked.push(askedOf(path, request));
  const fault = takeFault(hub, path);
  if (fault?.status !== undefined) {
    response.writeHead(fault.status, fault.headers).end(fault.body ?? "");
    return;
  }
  const match = /^\/(?:api\/)?datasets\/([^/]+\/[^/]+)\/(revision|tree|resolve)\/([^/]+)\/?(.*)$/.exec(path);
  const [, name, verb, revision, rest] = match ?? [];
  const repository = hub.repositories.get(name);
  const known = request.headers.authorization === "Bearer hf_reader";
  if (repository === undefined) {
    refuse(response, known ? 404 : 401, "RepoNotFound", "Repository not found");
    return;
  }
  if (hub.gated.has(name) && !known) {
    refuse(response, 403, "GatedRepo", `Access to dataset ${name} is restricted`);
    return;
  }
  const decoded = decodeURIComponent(revision);
  const commit = repository.branches[decoded] ?? decoded;
  const files = repository.commits[commit];
  if (files === undefined) {
    refuse(response, 404, "RevisionNotFound", `Invalid rev id: ${decoded}`);
    return;
  }
  if (verb === "revision") {
    sendJson(response, { _id: "1", id: name, sha: commit, lastModified: "2024-01-01" });
    return;
  }
  if (verb === "tree") {
    sendTree(hub, files, decodeURIComponent(rest), url, response);
    return;
  }
  const bytes = files.get(decodeURIComponent(rest));
  if (bytes === undefined) {
    refuse(response, 404, "EntryNotFound", "Entry not found");
    return;
  }
  const headers = { "X-Repo-Commit": commit, "Accept-Ranges": "bytes" };
  if (bytes.length <= LARGE) {
    send(bytes, fault, request, response, { ...headers, ETag: `"${gitOid(bytes)}"` });
    return;
  }
  const linked = { "X-Linked-Size": String(bytes.length), "X-Linked-Etag": `"${sha256(bytes)}"` };
  const location = `${cdn}/${encodeURIComponent(`${name}/${commit}/${rest}`)}`;
  response.writeHead(302, { ...headers, ...linked, Location: location }).end();
}

function sendLarge(hub: HubServer, request: IncomingMessage, response: ServerResponse): void {
  const path = decodeURIComponent((request.url ?? "/").slice(1));
  hub.fromCdn.push(askedOf(path, request));
  const [owner, dataset, commit, ...rest] = path.split("/");
  const bytes = hub.repositories.get(`${owner}/${dataset}`)?.commits[commit].get(rest.join("/"));
  send(bytes ?? new Uint8Array(), takeFault(hub, path), request, response, {});
}

function send(
  bytes: Uint8Array,
  fault: Fault | undefined,
  request: IncomingMessage,
  response: ServerResponse,
  headers: Record<string, string>,
): void {
  const [, from] = /bytes=(\d+)-/.exec(request.headers.range ?? "") ?? [];
  const start = fault?.ignoreRange ? 0 : Number(from ?? 0);
  if (start >= bytes.length && bytes.length > 0) {
    response.writeHead(416, { "Content-Range": `bytes */${bytes.length}` }).end();
    return;
  }
  let part = bytes.slice(start);
  if (fault?.corrupt) part = part.map((byte) => byte ^ 1);
  if (fault?.longer) part = Buffer.concat([part, part]);
  const whole = from === undefined || fault?.ignoreRange;
  const range = whole ? {} : { "Content-Range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` };
  const sized = fault?.endAfter === undefined ? { "Content-Length": String(part.length) } : {};
  response.writeHead(whole ? 200 : 206, { ...headers, ...range, ...sized });
  const cut = fault?.breakAfter ?? fault?.stallAfter ?? fault?.endAfter;
  if (cut === undefined || cut >= part.length) response.end(part);
  else if (fault?.endAfter !== undefined) response.end(part.subarray(0, cut));
  else {
    response.write(part.subarray(0, cut), () => {
      if (fault?.breakAfter !== undefined) setTimeout(() => response.destroy(), 20);
    });
  }
}

/** Those directly in `folder`, a page at a time, the next page's address in the `Link` header. */
function sendTree(
  hub: HubServer,
  files: Map<string, Uint8Array>,
  folder: string,
  url: URL,
  response: ServerResponse,
): void {
  const prefix = folder === "" ? "" : `${folder}/`;
  const inside = Array.from(files).filter(([path]) => path.startsWith(prefix));
  if (inside.length === 0) {
    refuse(response, 404, "EntryNotFound", `${folder} does not exist`);
    return;
  }
  const folders = new Set(inside.map(([path]) => path.slice(prefix.length)).filter((rest) => rest.includes("/")));
  const entries = [
    ...Array.from(folders, (rest) => ({
      type: "directory",
      path: prefix + rest.split("/")[0],
      size: 0,
      oid: commitOf(rest),
    })),
    ...inside.filter(([path]) => !path.slice(prefix.length).includes("/")).map(([path, bytes]) => entryOf(path, bytes)),
  ];
  const cursor = Number(url.searchParams.get("cursor") ?? 0);
  const next = cursor + hub.pageSize;
  if (next < entries.length) {
    url.searchParams.set("cursor", String(next));
    response.setHeader("Link", `<${url.href}>; rel="next"`);
  }
  sendJson(response, entries.slice(cursor, next));
}

function entryOf(path: string, bytes: Uint8Array) {
  const { length: size } = bytes;
  if (size <= LARGE) return { type: "file", path, size, oid: gitOid(bytes) };
  return { type: "file", path, size, oid: commitOf(path), lfs: { oid: sha256(bytes), size, pointerSize: 134 } };
}

function askedOf(path: string, { headers }: IncomingMessage): Asked {
  return { path, range: headers.range, authorization: headers.authorization };
}

function takeFault(hub: HubServer, path: string): Fault | undefined {
  const fault = hub.faults.find(({ of, times = 1 }) => of.test(path) && times > 0);
  if (fault !== undefined) fault.times = (fault.times ?? 1) - 1;
  return fault;
}

function refuse(response: ServerResponse, status: number, code: string, error: string): void {
  response
    .writeHead(status, { "Content-Type": "application/json", "X-Error-Code": code })
    .end(JSON.stringify({ error }));
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.setHeader("Content-Type", "application/json");
  response.end(JSON.stringify(value));
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function gitOid(bytes: Uint8Array): string {
  return createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
}

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after } from "node:test";

/** An S3 server in this process, as far as this project asks one, whose objects and answers a test can alter. */
export interface S3Server {
  endpoint: string;
  /** By `bucket/key`. */
  objects: Map<string, Uint8Array>;
  /** When they were written, by the same names; now, unless it is there. */
  written: Map<string, Date>;
  /** Begun and not finished. */
  uploads: { name: string; id: string; since: Date; bytes: number }[];
  /** Objects that one listing gives at most. */
  pageSize: number;
  /** In place of every answer, while it is set. */
  failure: { status: number; code: string; message: string } | undefined;
  /** Refuse to delete, as to a key that may not. */
  denyDeletes: boolean;
  /** Requests answered so far, as `PUT bucket/key`. */
  requests: string[];
}

/** Starts it for the tests of a file, at its top level, and makes it the one that the standard variables name. */
export async function startS3(): Promise<S3Server> {
  const state: S3Server = {
    ...{ endpoint: "", objects: new Map(), written: new Map(), uploads: [], pageSize: 1000 },
    ...{ failure: undefined, denyDeletes: false, requests: [] },
  };
  const server = createServer((request, response) => void answer(state, request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  state.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  Object.assign(process.env, {
    S3_ENDPOINT: state.endpoint,
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    AWS_REGION: "us-east-1",
  });
  return state;
}

async function answer(state: S3Server, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { objects, failure } = state;
  const url = new URL(request.url ?? "/", "http://localhost");
  const path = decodeURIComponent(url.pathname.slice(1));
  state.requests.push(`${request.method} ${path}`);
  const body = await bodyOf(request);
  if (failure !== undefined) return refuse(response, failure.status, failure.code, failure.message);
  switch (request.method) {
    case "PUT": {
      const from = request.headers["x-amz-copy-source"];
      if (from === undefined && request.headers["if-none-match"] === "*" && objects.has(path))
        return refuse(response, 412, "PreconditionFailed", "At least one of the pre-conditions did not hold");
      const bytes = from === undefined ? body : objects.get(decodeURIComponent(String(from)));
      if (bytes === undefined) return refuse(response, 404, "NoSuchKey", "There is no such key");
      objects.set(path, bytes);
      state.written.delete(path);
      response.end(from === undefined ? "" : "<CopyObjectResult><ETag>1</ETag></CopyObjectResult>");
      return;
    }
    case "DELETE":
      if (state.denyDeletes) return refuse(response, 403, "AccessDenied", "Access Denied");
      if (url.searchParams.has("uploadId")) state.uploads = state.uploads.filter(({ name }) => name !== path);
      else objects.delete(path);
      response.writeHead(204).end();
      return;
    default:
      if (url.searchParams.has("list-type")) list(state, path, url.searchParams, response);
      else if (url.searchParams.has("uploads")) listUploads(state, response);
      else if (url.searchParams.has("uploadId")) listParts(state, path, response);
      else read(objects.get(path), state.written.get(path), request, response);
  }
}

function list(state: S3Server, bucket: string, query: URLSearchParams, response: ServerResponse): void {
  const [prefix, delimiter, after] = ["prefix", "delimiter", "continuation-token"].map((name) => query.get(name) ?? "");
  const start = `${bucket.replace(/\/$/, "")}/`;
  const keys = Array.from(state.objects.keys())
    .filter((name) => name.startsWith(start + prefix))
    .map((name) => name.slice(start.length));
  if (delimiter !== "") {
    const folders = new Set(keys.map((key) => key.slice(0, key.indexOf(delimiter, prefix.length) + 1)));
    const prefixes = Array.from(folders, (name) => `<CommonPrefixes><Prefix>${name}</Prefix></CommonPrefixes>`);
    response.end(`<ListBucketResult><IsTruncated>false</IsTruncated>${prefixes.join("")}</ListBucketResult>`);
    return;
  }
  const left = keys.sort().filter((key) => key > after);
  const page = left.slice(0, state.pageSize);
  const contents = page.map((key) => {
    const [bytes, written] = [state.objects.get(start + key), state.written.get(start + key) ?? new Date()];
    return `<Contents><Key>${key}</Key><Size>${bytes?.length}</Size><LastModified>${written.toISOString()}</LastModified></Contents>`;
  });
  const next = left.length > page.length ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : "";
  const truncated = `<IsTruncated>${next !== ""}</IsTruncated>`;
  response.end(`<ListBucketResult>${truncated}${next}${contents.join("")}</ListBucketResult>`);
}

function listUploads({ uploads }: S3Server, response: ServerResponse): void {
  const each = uploads.map(({ name, id, since }) => {
    const key = name.slice(name.indexOf("/") + 1);
    return `<Upload><Key>${key}</Key><UploadId>${id}</UploadId><Initiated>${since.toISOString()}</Initiated></Upload>`;
  });
  response.end(`<ListMultipartUploadsResult>${each.join("")}</ListMultipartUploadsResult>`);
}

function listParts({ uploads }: S3Server, path: string, response: ServerResponse): void {
  const size = uploads.find(({ name }) => name === path)?.bytes;
  response.end(`<ListPartsResult><Part><PartNumber>1</PartNumber><Size>${size}</Size></Part></ListPartsResult>`);
}

function read(
  bytes: Uint8Array | undefined,
  written: Date | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (bytes === undefined) {
    refuse(response, 404, "NoSuchKey", "There is no such key");
    return;
  }
  const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? "") ?? [];
  const part = from === undefined ? bytes : bytes.subarray(Number(from), Number(to) + 1);
  const modified = (written ?? new Date()).toUTCString();
  response.writeHead(from === undefined ? 200 : 206, {
    ...{ "content-length": part.length, etag: '"1"', "last-modified": modified },
  });
  response.end(request.method === "HEAD" ? undefined : part);
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  response.writeHead(status).end(`<Error><Code>${code}</Code><Message>${message}</Message></Error>`);
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of request) parts.push(part as Uint8Array);
  return Buffer.concat(parts);
}

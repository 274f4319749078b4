import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after } from "node:test";

/** An S3 server in this process, as far as this project asks one, whose objects and answers a test can alter. */
export interface S3Server {
  endpoint: string;
  /** By `bucket/key`. */
  objects: Map<string, Uint8Array>;
  /** In place of every answer, while it is set. */
  failure: { status: number; code: string; message: string } | undefined;
  /** Requests answered so far, as `PUT bucket/key`. */
  requests: string[];
}

/** Starts it for the tests of a file, at its top level, and makes it the one that the standard variables name. */
export async function startS3(): Promise<S3Server> {
  const state: S3Server = { endpoint: "", objects: new Map(), failure: undefined, requests: [] };
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
      response.end(from === undefined ? "" : "<CopyObjectResult><ETag>1</ETag></CopyObjectResult>");
      return;
    }
    case "DELETE":
      objects.delete(path);
      response.writeHead(204).end();
      return;
    default:
      if (url.searchParams.has("list-type")) list(state, path, url.searchParams.get("prefix") ?? "", response);
      else read(objects.get(path), request, response);
  }
}

function list({ objects }: S3Server, bucket: string, prefix: string, response: ServerResponse): void {
  const start = `${bucket.replace(/\/$/, "")}/`;
  const keys = Array.from(objects.keys()).filter((name) => name.startsWith(start + prefix));
  const contents = keys.map((name) => `<Contents><Key>${name.slice(start.length)}</Key></Contents>`).join("");
  response.end(`<ListBucketResult><IsTruncated>false</IsTruncated>${contents}</ListBucketResult>`);
}

function read(bytes: Uint8Array | undefined, request: IncomingMessage, response: ServerResponse): void {
  if (bytes === undefined) {
    refuse(response, 404, "NoSuchKey", "There is no such key");
    return;
  }
  const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? "") ?? [];
  const part = from === undefined ? bytes : bytes.subarray(Number(from), Number(to) + 1);
  response.writeHead(from === undefined ? 200 : 206, { "content-length": part.length, etag: '"1"' });
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

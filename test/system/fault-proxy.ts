import { once } from "node:events";
import { Agent, createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

// A network that fails on command, between workers and the services.

/** What becomes of a request. */
export type Fault =
  /** The connection is reset; the store hears nothing. */
  | { kind: "refuse" }
  /** The store does what is asked, but its answer is cut in the middle. */
  | { kind: "reset" }
  /** Taken, and never answered: also when all is well again. */
  | { kind: "hang" }
  | { kind: "delay"; ms: number }
  | { kind: "answer"; status: number; code: string };

export interface StoreProxy {
  /** In place of `S3_ENDPOINT`. */
  readonly endpoint: string;
  /** Asked for every request; none while it is undefined. */
  fault: ((request: { method: string; path: string }) => Fault | undefined) | undefined;
  /** How often an object was written, by its path after the bucket; a write that was refused by its condition is none. */
  stored(path: string): number;
  close(): void;
}

/** Stands before an object store. Signatures stay valid, since the head is passed on as it came. */
export async function openStoreProxy(target: string): Promise<StoreProxy> {
  const agent = new Agent({ keepAlive: true });
  const { hostname, port } = new URL(target);
  const written = new Map<string, number>();
  const server = createServer(async (request, response) => {
    const { method = "", url: path = "" } = request;
    const { expect: _, ...headers } = request.headers;
    const fault = proxy.fault?.({ method, path });
    if (fault?.kind === "refuse") return void request.socket.resetAndDestroy();
    if (fault?.kind === "hang") return;
    if (fault?.kind === "answer") return answer(request, response, fault);
    if (fault?.kind === "delay") await sleep(fault.ms);
    const onward = httpRequest({ agent, hostname, port, method, path, headers }, (from) => {
      response.writeHead(from.statusCode ?? 500, from.headers);
      if (method === "PUT" && from.statusCode === 200) written.set(keyOf(path), (written.get(keyOf(path)) ?? 0) + 1);
      if (fault?.kind === "reset") cut(from, response);
      else from.pipe(response);
    });
    onward.on("error", () => request.socket.destroy());
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  });
  const proxy: StoreProxy = {
    endpoint: `http://127.0.0.1:${await listening(server)}`,
    fault: undefined,
    stored: (key) => written.get(key) ?? 0,
    close: () => {
      server.close().closeAllConnections();
      agent.destroy();
    },
  };
  return proxy;
}

/** Of `/bucket/key?query`, the key. */
function keyOf(path: string): string {
  const { pathname } = new URL(path, "http://localhost");
  return decodeURIComponent(pathname.split("/").slice(2).join("/"));
}

/** Half of what the store says, and no more. */
function cut(from: IncomingMessage, response: ServerResponse): void {
  const half = Math.floor(Number(from.headers["content-length"] ?? 0) / 2);
  let sent = 0;
  from.on("data", (bytes: Buffer) => {
    response.write(bytes.subarray(0, Math.max(0, half - sent)));
    sent += bytes.length;
    if (sent > half) response.socket?.destroy();
  });
  from.on("end", () => response.socket?.destroy());
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { status, code }: { status: number; code: string },
) {
  request.resume().on("end", () => {
    response.writeHead(status, { "content-type": "application/xml" });
    response.end(`<Error><Code>${code}</Code><Message>by the proxy</Message></Error>`);
  });
}

export interface TcpProxy {
  readonly address: string;
  /** Nothing passes from now on, and nobody is told: connections stay half open, also when all is well again. */
  silence(): void;
  /** New connections pass again. */
  heal(): void;
  close(): void;
}

/** Stands before any server. */
export async function openTcpProxy(target: string): Promise<TcpProxy> {
  const [host, port] = target.split(":");
  const pairs = new Set<[Socket, Socket | undefined]>();
  let silent = false;
  const server = createTcpServer((from) => {
    const to = silent ? undefined : connect(Number(port), host);
    pairs.add([from.on("error", () => to?.destroy()), to?.on("error", () => from.destroy())]);
    if (to === undefined) return void from.resume();
    from.pipe(to).pipe(from);
  });
  return {
    address: `127.0.0.1:${await listening(server)}`,
    silence: () => {
      silent = true;
      for (const [from, to] of pairs) {
        from.unpipe();
        to?.unpipe();
        // What comes is taken, as by a network that loses it.
        from.resume();
        to?.resume();
      }
    },
    heal: () => {
      silent = false;
    },
    close: () => {
      server.close();
      for (const pair of pairs) for (const socket of pair) socket?.destroy();
    },
  };
}

async function listening(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

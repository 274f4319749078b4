import { timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { PayloadCodec } from "@temporalio/common";
import { z } from "zod";
import { TouchstoneError } from "../study/errors.js";

export interface CodecServerOptions {
  codec: PayloadCodec;
  /** Of the Temporal UI: pages of other origins get nothing. */
  origin: string;
  /** Asked for as `Authorization: Bearer TOKEN`, where it is given. */
  token?: string;
}

const MOST_BYTES = 32 * 2 ** 20;
const base64 = z.string().transform((text) => Buffer.from(text, "base64"));
/** Payloads as protobuf's JSON has them. */
const requestSchema = z.object({
  payloads: z.array(z.object({ metadata: z.record(z.string(), base64).default({}), data: base64.optional() })),
});

/** Temporal's codec protocol, by which the UI and the command line of Temporal show payloads: POST to `/encode`, `/decode`. */
export function codecServer({ codec, origin, token }: CodecServerOptions): Server {
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    response.setHeader("Access-Control-Allow-Origin", origin);
    response.setHeader("Access-Control-Allow-Headers", "content-type, authorization, x-namespace");
    response.setHeader("Access-Control-Allow-Credentials", "true");
    response.setHeader("Vary", "Origin");
    if (request.headers.origin !== undefined && request.headers.origin !== origin) return response.writeHead(403).end();
    if (request.method === "OPTIONS") return response.writeHead(204).end();
    if (!allowed(request.headers.authorization, token)) return response.writeHead(401).end();
    const work = { "/encode": codec.encode, "/decode": codec.decode }[request.url ?? ""];
    if (request.method !== "POST" || work === undefined) return response.writeHead(404).end();
    const { payloads } = requestSchema.parse(JSON.parse(await bodyOf(request)));
    const changed = (await work(payloads)).map(({ metadata, data }) => ({
      metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, value]) => [name, text(value)])),
      data: text(data ?? new Uint8Array()),
    }));
    return response.setHeader("Content-Type", "application/json").end(JSON.stringify({ payloads: changed }));
  };
  return createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      const known = error instanceof TouchstoneError ? error.message : "The request holds no payloads.";
      response.writeHead(400, { "Content-Type": "text/plain" }).end(known);
    });
  });
}

function allowed(header: string | undefined, token: string | undefined): boolean {
  if (token === undefined) return true;
  const [given, wanted] = [Buffer.from(header ?? ""), Buffer.from(`Bearer ${token}`)];
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request) {
    parts.push(part);
    length += part.length;
    if (length > MOST_BYTES) throw new RangeError("the request is too long");
  }
  return Buffer.concat(parts).toString();
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

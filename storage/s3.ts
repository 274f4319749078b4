import { GetObjectCommand, type GetObjectCommandInput, S3Client } from "@aws-sdk/client-s3";

// On every Node 20 the SDK warns of the end of its support, in the middle of whatever is being printed.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";

const CONNECT_MS = 10_000;
/** Not a byte for so long, in either direction, and the request is made again: however slow a store is, it isn't given up. */
const SILENCE_SECONDS = 60;
const ATTEMPTS = 5;
/** A clock that is further off than any request takes. Stores refuse what is a quarter of an hour off. */
const JUMP_MS = 4 * 60_000;

let shared: S3Client | undefined;
let reading = 0;

/**
 * The process's S3 client, by the standard AWS variables; `S3_ENDPOINT` names a compatible server
 * (path-style addresses, as self-hosted servers want them). A request to a store that hangs, or whose connection is gone without
 * a word, ends after minutes: it is made `ATTEMPTS` times, with pauses that grow up to 20 s.
 */
export function s3Client(): S3Client {
  shared ??= createClient();
  return shared;
}

function createClient(): S3Client {
  const client = new S3Client({
    region: process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION ?? "us-east-1",
    ...(process.env.S3_ENDPOINT ? { endpoint: process.env.S3_ENDPOINT, forcePathStyle: true } : {}),
    retryMode: "standard",
    maxAttempts: ATTEMPTS,
    requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: silenceSeconds() * 1000 },
  });
  // The client signs by the store's clock, as it heard it last. When this machine's clock jumps, a request is refused; the client
  // hears of it, but doesn't always ask again: not where the clock has become right.
  client.middlewareStack.add(
    (next) => async (args) => {
      const before = client.config.systemClockOffset;
      return next(args).catch((error: unknown) => {
        if (Math.abs(client.config.systemClockOffset - before) < JUMP_MS) throw error;
        return next(args);
      });
    },
    { step: "initialize", name: "askAgainAfterJump" },
  );
  return client;
}

/**
 * An object's bytes, or a range of them. The client's retries end with the head of an answer: where its body breaks off, all of
 * it is asked for again. @throws as the client does
 */
export async function readObject(input: GetObjectCommandInput): Promise<Uint8Array> {
  reading++;
  try {
    for (let attempt = 1; ; attempt++) {
      const { Body } = await s3Client().send(new GetObjectCommand(input));
      try {
        return (await Body?.transformToByteArray()) ?? new Uint8Array(0);
      } catch (error) {
        if (attempt === ATTEMPTS) throw error;
      }
    }
  } finally {
    reading--;
  }
}

/** How many objects this thread is reading. Each of them ends: see `s3Client`. */
export function objectsInTransit(): number {
  return reading;
}

function silenceSeconds(): number {
  const given = Number(process.env.TOUCHSTONE_STORE_SILENCE);
  return given > 0 ? given : SILENCE_SECONDS;
}

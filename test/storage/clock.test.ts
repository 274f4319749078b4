import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { openFile } from "../../storage/files.js";
import { openStore } from "../../storage/store.js";

// A store whose clock and this machine's differ more and more, and less again: that one of them jumps is the same for the other.
const HOUR = 3_600_000;
let apart = 0;
const server = createServer((request, response) => {
  const [, year, month, day, hour, minute, second] = /^(....)(..)(..)T(..)(..)(..)Z$/.exec(
    String(request.headers["x-amz-date"]),
  ) ?? [""];
  const signed = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  const now = Date.now() + apart * HOUR;
  response.setHeader("date", new Date(now).toUTCString());
  if (Math.abs(signed - now) < HOUR / 4) response.setHeader("content-length", 5).end("12345");
  else response.writeHead(403).end("<Error><Code>RequestTimeTooSkewed</Code><Message>too skewed</Message></Error>");
}).listen(0, "127.0.0.1");
await once(server, "listening");
Object.assign(process.env, {
  S3_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  AWS_ACCESS_KEY_ID: "test",
  AWS_SECRET_ACCESS_KEY: "test",
});
after(() => {
  server.closeAllConnections();
  server.close();
});

test("requests go on when the clock jumps by hours in either direction, and when it is set right again", async () => {
  const store = openStore({ bucket: "bucket", prefix: "" });
  for (const hours of [0, 7, -5, 0, 24, 0]) {
    apart = hours;
    assert.equal((await store.read("a"))?.length, 5, `${hours} h`);
    apart = -hours;
    assert.equal((await openFile("s3://bucket/a")).size, 5, `${-hours} h`);
  }
});

import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { after, test } from "node:test";
import { openFile } from "../../storage/files.js";
import { openStore } from "../../storage/store.js";

// A process has one client, made by the variables of its first request: here they name a store that answers as each test has it.
let answer: (socket: Socket, asked: number) => void;
const sockets = new Set<Socket>();
let asked = 0;
const server = createServer((socket) => {
  sockets.add(socket.on("error", () => {}));
  socket.on("data", (bytes) => {
    if (/^(GET|PUT|HEAD) /.test(bytes.toString("latin1"))) answer(socket, ++asked);
  });
});
server.listen(0, "127.0.0.1");
await once(server, "listening");
Object.assign(process.env, {
  S3_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  AWS_ACCESS_KEY_ID: "test",
  AWS_SECRET_ACCESS_KEY: "test",
  TOUCHSTONE_STORE_SILENCE: "0.3",
});
after(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
});

const store = openStore({ bucket: "bucket", prefix: "" });
const head = (length: number) => `HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\netag: "1"\r\n\r\n`;

test("a store that takes requests and says nothing is given up, and can be waited for", async () => {
  answer = () => {};
  const expected = { name: "StorageUnavailable", retryable: true, message: /timed out|silen/ };
  await Promise.all([
    assert.rejects(store.read("a"), expected),
    assert.rejects(store.writeNew("a", new Uint8Array(1)), expected),
    assert.rejects(openFile("s3://bucket/a"), expected),
  ]);
});

test("a store that says a byte now and then is not given up", async () => {
  answer = async (socket) => {
    socket.write(head(5));
    for (const byte of "12345") {
      await new Promise((resolve) => setTimeout(resolve, 150));
      socket.write(byte);
    }
  };
  assert.deepEqual(await store.read("a"), new Uint8Array(Buffer.from("12345")));
});

for (const [how, end] of [
  ["breaks off", (socket: Socket) => socket.destroy()],
  ["ends too early", (socket: Socket) => socket.end()],
  ["stands still", () => {}],
] as const) {
  test(`an answer that ${how} in its body is asked for again, whole`, async () => {
    asked = 0;
    answer = (socket, which) => {
      socket.write(`${head(5)}${which === 1 ? "12" : "12345"}`);
      if (which === 1) setTimeout(() => end(socket), 20);
    };
    assert.deepEqual(await store.read("a"), new Uint8Array(Buffer.from("12345")));
    assert.equal(asked, 2);
  });
}

import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { defaultPayloadConverter, type Payload } from "@temporalio/common";
import { codecServer } from "../../client/codec-server.js";
import { TouchstoneError } from "../../study/errors.js";
import { codecKeys, payloadCodec } from "../../workers/encryption.js";

const key = (byte: number) => Buffer.alloc(32, byte).toString("base64");
const [old, fresh] = [`old:${key(1)}`, `fresh:${key(2)}`];
const codec = (text: string) => payloadCodec(codecKeys(text));
const payload = (value: unknown): Payload => defaultPayloadConverter.toPayload(value)!;
const contentOf = (read: Payload) => defaultPayloadConverter.fromPayload(read);
const named = (word: RegExp) => (error: unknown) => error instanceof TouchstoneError && word.test(error.message);

test("without a key payloads are written as they are", async () => {
  const plain = [payload({ a: 1 })];
  assert.equal(await codec("").encode(plain), plain);
});

test("what was encrypted is read back, and shows nothing but the key's id", async () => {
  const [hidden] = await codec(fresh).encode([payload({ secret: "hunter2" })]);
  assert.ok(!Buffer.from(hidden.data ?? []).includes("hunter2"));
  assert.deepEqual(Object.keys(hidden.metadata ?? {}), ["encoding", "encryption-key-id"]);
  assert.deepEqual(contentOf((await codec(fresh).decode([hidden]))[0]), { secret: "hunter2" });
  const [again] = await codec(fresh).encode([payload({ secret: "hunter2" })]);
  assert.notDeepEqual(again.data, hidden.data, "no nonce comes twice");
});

test("keys rotate: the first encrypts, all decrypt, and what is not encrypted is read too", async () => {
  const [before] = await codec(old).encode([payload(1)]);
  const rotated = codec(`${fresh}, ${old}`);
  assert.deepEqual((await rotated.decode([before, payload(2)])).map(contentOf), [1, 2]);
  const [after] = await rotated.encode([payload(3)]);
  await assert.rejects(async () => codec(old).decode([after]), named(/"fresh".*TOUCHSTONE_CODEC_KEY/));
});

test("an altered payload, and another key under the same id, are errors that name the key", async () => {
  const [hidden] = await codec(fresh).encode([payload("text")]);
  await assert.rejects(async () => codec(`fresh:${key(3)}`).decode([hidden]), named(/"fresh" doesn't fit/));
  for (let at = 0; at < hidden.data!.length; at += 7) {
    const data = Uint8Array.from(hidden.data!);
    data[at] ^= 1;
    await assert.rejects(async () => codec(fresh).decode([{ ...hidden, data }]), named(/doesn't fit/));
  }
  await assert.rejects(async () => codec(fresh).decode([{ ...hidden, data: new Uint8Array(3) }]), named(/doesn't fit/));
});

test("a key of another length is refused without being repeated", () => {
  for (const text of ["abc", "id:c2hvcnQ=", `:${key(1)}`]) {
    assert.throws(
      () => codecKeys(text),
      (error: unknown) => named(/ID:BASE64/)(error) && !(error as Error).message.includes("c2hvcnQ"),
    );
  }
});

const origin = "http://127.0.0.1:8233";
const server = codecServer({ codec: codec(fresh), origin, token: "letmein" });
let address: string;
before(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => server.close());

const ask = (path: string, body: string, headers: Record<string, string> = {}) =>
  fetch(`${address}${path}`, {
    method: "POST",
    body,
    headers: { authorization: "Bearer letmein", origin, ...headers },
  });

test("the codec server decrypts for the UI's page, and for nobody without the token", async () => {
  const [hidden] = await codec(fresh).encode([payload("shown")]);
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
  const metadata = Object.fromEntries(Object.entries(hidden.metadata!).map(([name, value]) => [name, base64(value)]));
  const body = JSON.stringify({ payloads: [{ metadata, data: base64(hidden.data!) }] });
  const answer = await ask("/decode", body);
  assert.equal(answer.headers.get("access-control-allow-origin"), origin);
  const { payloads } = (await answer.json()) as { payloads: { data: string }[] };
  assert.equal(Buffer.from(payloads[0].data, "base64").toString(), '"shown"');
  assert.equal((await ask("/decode", body, { authorization: "Bearer other" })).status, 401);
  assert.equal((await ask("/decode", body, { origin: "http://evil.example" })).status, 403);
  assert.equal((await ask("/elsewhere", body)).status, 404);
  for (const broken of ["", "[]", '{"payloads":1}', `{"payloads":[{"data":"${"A".repeat(100)}","metadata":7}]}`])
    assert.equal((await ask("/decode", broken)).status, 400);
});

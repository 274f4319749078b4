import assert from "node:assert/strict";
import { test } from "node:test";
import { openFile } from "../../storage/files.js";
import { openStore } from "../../storage/store.js";

// A process has one client, made by the variables of its first request: here they name a port where nobody listens.
Object.assign(process.env, {
  S3_ENDPOINT: "http://127.0.0.1:9",
  AWS_ACCESS_KEY_ID: "test",
  AWS_SECRET_ACCESS_KEY: "test",
});

test("a store that isn't there can be waited for, and the message says how to look", async () => {
  const expected = { name: "StorageUnavailable", retryable: true, message: /does not answer.*touchstone status/ };
  const store = openStore({ bucket: "bucket", prefix: "" });
  await Promise.all([
    assert.rejects(store.read("a"), expected),
    assert.rejects(store.writeNew("a", new Uint8Array(1)), expected),
    assert.rejects(openFile("s3://bucket/text.jsonl"), expected),
  ]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { threadId } from "node:worker_threads";
import { listFiles, openFile, readFile } from "../../storage/files.js";
import { openStore } from "../../storage/store.js";
import { openThreadedStore } from "../../storage/threaded-store.js";
import { startS3 } from "./s3-server.js";
import type { Counted } from "./store-task.js";

const server = await startS3();
const location = { bucket: "bucket", prefix: "studies" };
/** The same in this thread and in one of its own. */
const stores = { "in this thread": openStore(location), "in a thread of its own": openThreadedStore(location) };

for (const [where, store] of Object.entries(stores)) {
  test(`asked ${where}, an object is written once, read, listed, moved and removed, all under the prefix`, async () => {
    const bytes = Uint8Array.of(1, 2, 3);
    assert.equal(await store.read("a/1"), undefined);
    assert.equal(await store.writeNew("a/1", bytes), true);
    assert.equal(await store.writeNew("a/1", Uint8Array.of(9)), false);
    assert.deepEqual(Array.from((await store.read("a/1")) ?? []), [1, 2, 3]);
    assert.deepEqual(Array.from(bytes), [1, 2, 3], "what was written is still the caller's");
    assert.deepEqual(Array.from(server.objects.keys()), ["bucket/studies/a/1"]);
    assert.deepEqual(await store.list("a/"), ["a/1"]);
    await store.move("a/1", "b/1");
    assert.deepEqual(await store.list(""), ["b/1"]);
    await store.replace("b/1", Uint8Array.of(9), "text/plain");
    assert.deepEqual(Array.from((await store.read("b/1")) ?? []), [9]);
    await store.remove("b/1");
    assert.equal(server.objects.size, 0);
  });
}

for (const [where, store] of Object.entries(stores)) {
  test(`asked ${where}, an object that lay there for long is made new, and one that isn't there is told`, async () => {
    assert.equal(await store.renew("old"), false);
    await store.writeNew("old", Uint8Array.of(1));
    const name = "bucket/studies/old";
    for (const [minutes, isRenewed] of [
      [60, true],
      [10, false],
    ] as const) {
      server.written.set(name, new Date(Date.now() - minutes * 60_000));
      assert.equal(await store.renew("old"), true);
      assert.equal(!server.written.has(name), isRenewed, "it is written now where nothing else is said");
    }
    assert.deepEqual(Array.from((await store.read("old")) ?? []), [1]);
    await store.remove("old");
  });
}

test("a task runs in the store's thread with the store; its buffers go over, and its errors keep their names", async () => {
  const store = stores["in a thread of its own"];
  const module = new URL("./store-task.js", import.meta.url);
  const bytes = Uint8Array.of(1, 2, 3);
  const { thread, bytes: more } = await store.run<Counted>(module, { key: "c", bytes }, [bytes.buffer]);
  assert.notEqual(thread, threadId);
  assert.deepEqual(Array.from(more), [2, 3, 4]);
  assert.deepEqual(Array.from((await store.read("c")) ?? []), [2, 3, 4]);
  assert.equal(bytes.length, 0, "the caller has them no more");
  await store.remove("c");
  await assert.rejects(store.run(module, { key: "c", bytes: new Uint8Array(0) }), {
    name: "InvalidData",
    message: /nothing/,
  });
});

const refusals = [
  {
    answer: { status: 507, code: "InsufficientStorage", message: "There is not enough space" },
    expected: { name: "DiskFull", retryable: true, message: /full: .*not enough space.*Free some space/ },
  },
  {
    // As a server says it that has run into ENOSPC itself, and as SeaweedFS does without a writable volume.
    answer: { status: 501, code: "InternalError", message: "write /data/1.dat: no space left on device" },
    expected: { name: "DiskFull", retryable: true, message: /no space left on device.*Free some space/ },
  },
  {
    answer: { status: 501, code: "InternalError", message: "assign volume: no free volumes left" },
    expected: { name: "DiskFull", retryable: true, message: /no free volumes left/ },
  },
  {
    answer: { status: 403, code: "SignatureDoesNotMatch", message: "The signature does not match" },
    expected: { name: "StorageDenied", retryable: false, message: /refuses the credentials.*AWS_ACCESS_KEY_ID/ },
  },
  {
    answer: { status: 404, code: "NoSuchBucket", message: "The bucket does not exist" },
    expected: { name: "StorageDenied", retryable: false, message: /no such bucket.*checkpoints\.bucket/ },
  },
] as const;

/** What every request is answered with while `work` is done. */
async function answering(failure: NonNullable<typeof server.failure>, work: () => Promise<unknown>): Promise<void> {
  server.failure = failure;
  try {
    await work();
  } finally {
    server.failure = undefined;
  }
}

for (const { answer, expected } of refusals) {
  test(`a store that answers ${answer.status} "${answer.message}" is ${expected.name}, told with the object's address`, async () => {
    const asked = () =>
      Object.values(stores).flatMap((store): Promise<unknown>[] => [
        store.writeNew("a", Uint8Array.of(1)),
        store.read("a"),
        store.list("a"),
        store.replace("a", Uint8Array.of(1), "text/plain"),
      ]);
    await answering(answer, () =>
      Promise.all(
        asked().map(async (request) => {
          await assert.rejects(request, expected);
          await assert.rejects(request, /s3:\/\/bucket\/studies\/a/);
        }),
      ),
    );
  });
}

test("where the key may not delete, what is of no more use stays; other refusals are errors", async () => {
  const told: string[] = [];
  process.on("warning", ({ message }) => told.push(message));
  const { "in this thread": store } = stores;
  await store.writeNew("kept", Uint8Array.of(1));
  await answering({ status: 403, code: "AccessDenied", message: "Access Denied" }, async () => {
    await store.remove("kept");
    await store.remove("kept");
    await assert.rejects(store.move("kept", "aside"), { name: "StorageDenied" });
  });
  await answering({ status: 403, code: "SignatureDoesNotMatch", message: "It does not match" }, () =>
    assert.rejects(store.remove("kept"), { name: "StorageDenied" }),
  );
  assert.deepEqual(Array.from((await store.read("kept")) ?? []), [1]);
  assert.equal(told.filter((message) => /may not delete/.test(message)).length, 1);
});

test("files in a store that refuses the credentials are not taken for missing", async () => {
  const denied = { status: 403, code: "AccessDenied", message: "Access Denied" };
  const asked = () => [
    openFile("s3://bucket/texts/a"),
    readFile("s3://bucket/texts/a"),
    listFiles("s3://bucket/texts"),
  ];
  await answering(denied, () =>
    Promise.all(
      asked().map((request) =>
        assert.rejects(request, { name: "StorageDenied", message: /credentials.*s3:\/\/bucket\/texts/ }),
      ),
    ),
  );
});

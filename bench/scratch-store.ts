import { useServices } from "../client/services.js";
import { type ObjectStore, openStore } from "../storage/store.js";
import { TouchstoneError } from "../study/errors.js";

/** Works in a part of the store of its own, and leaves nothing there. @throws TouchstoneError ServiceUnavailable, storage errors */
export async function withScratchStore<T>(work: (store: ObjectStore) => Promise<T>): Promise<T> {
  await useServices();
  const bucket = process.env.TOUCHSTONE_BUCKET;
  if (bucket === undefined || bucket === "") {
    throw new TouchstoneError("ServiceUnavailable", {
      what: "There is no object store: none is configured, and none was started here",
      todo: "Run `touchstone up`, or set S3_ENDPOINT and TOUCHSTONE_BUCKET.",
    });
  }
  const store = openStore({ bucket, prefix: `bench/${Date.now()}` });
  try {
    return await work(store);
  } finally {
    for (const key of await store.list("")) await store.remove(key);
  }
}

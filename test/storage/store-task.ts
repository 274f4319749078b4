import { threadId } from "node:worker_threads";
import type { StoreTask } from "../../storage/threaded-store.js";
import { TouchstoneError } from "../../study/errors.js";

export interface Counted {
  thread: number;
  bytes: Uint8Array;
}

/** Stores the bytes, each one more than it was. Runs in the store's thread. */
export const run: StoreTask<{ key: string; bytes: Uint8Array }, Counted> = async (store, { key, bytes }) => {
  if (bytes.length === 0) throw new TouchstoneError("InvalidData", { what: "There is nothing", where: key });
  const more = bytes.map((byte) => byte + 1);
  await store.writeNew(key, more);
  return { value: { thread: threadId, bytes: more }, transferred: [more.buffer] };
};

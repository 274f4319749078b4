import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  type ListObjectsV2CommandOutput,
  paginateListObjectsV2,
  paginateListParts,
} from "@aws-sdk/client-s3";
import { s3Client } from "./s3.js";
import { keysOf, type StoreLocation } from "./store.js";

export interface InventoryItem {
  key: string;
  bytes: number;
  /** When it was written, or begun. */
  since: Date;
}

export interface UnfinishedUpload extends InventoryItem {
  id: string;
}

/** What lies in the object store, a page of at most a thousand at a time, so that millions need no memory. */
export interface Inventory {
  /** Names of the folders right below a prefix that ends with a slash. */
  folders(prefix: string): Promise<string[]>;
  pages(prefix: string): AsyncIterable<InventoryItem[]>;
  /** Uploads in parts that were neither finished nor given up. */
  uploads(): AsyncIterable<UnfinishedUpload[]>;
  abort(upload: UnfinishedUpload): Promise<void>;
  /** Unlike `ObjectStore.remove`, for which it matters less: StorageDenied where the key may not delete. */
  remove(item: InventoryItem): Promise<void>;
}

/** @throws TouchstoneError from every method: StorageDenied, or (retryable) StorageUnavailable */
export function openInventory(location: StoreLocation): Inventory {
  const client = s3Client();
  const { Bucket, full, cut, guarded } = keysOf(location);
  const listed = (prefix: string, Delimiter?: string) =>
    guardedPages(prefix, paginateListObjectsV2({ client }, { Bucket, Prefix: full(prefix), Delimiter }));

  async function* guardedPages<Page>(prefix: string, pages: AsyncGenerator<Page>): AsyncGenerator<Page> {
    for (;;) {
      const { value, done } = await guarded(prefix, () => pages.next());
      if (done === true) return;
      yield value;
    }
  }
  async function partBytes(Key: string, UploadId: string): Promise<number> {
    let bytes = 0;
    for await (const { Parts = [] } of guardedPages(cut(Key), paginateListParts({ client }, { Bucket, Key, UploadId })))
      for (const { Size = 0 } of Parts) bytes += Size;
    return bytes;
  }
  return {
    folders: async (prefix) => {
      const found: string[] = [];
      for await (const { CommonPrefixes = [] } of listed(prefix, "/"))
        for (const { Prefix = "" } of CommonPrefixes) found.push(cut(Prefix).slice(prefix.length, -1));
      return found;
    },
    pages: async function* (prefix) {
      for await (const page of listed(prefix)) yield itemsOf(page, cut);
    },
    uploads: async function* () {
      let marker: Pick<ListMultipartUploadsCommandOutput, "NextKeyMarker" | "NextUploadIdMarker"> = {};
      for (;;) {
        const { NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = marker;
        const asked = new ListMultipartUploadsCommand({ Bucket, Prefix: full(""), KeyMarker, UploadIdMarker });
        const page = await guarded("", () => client.send(asked));
        const begun = (page.Uploads ?? []).map(async ({ Key = "", UploadId = "", Initiated = new Date() }) => {
          return { key: cut(Key), id: UploadId, since: Initiated, bytes: await partBytes(Key, UploadId) };
        });
        yield await Promise.all(begun);
        if (page.IsTruncated !== true) return;
        marker = page;
      }
    },
    remove: ({ key }) =>
      guarded(key, async () => {
        await client.send(new DeleteObjectCommand({ Bucket, Key: full(key) }));
      }),
    abort: ({ key, id: UploadId }) =>
      guarded(key, async () => {
        await client.send(new AbortMultipartUploadCommand({ Bucket, Key: full(key), UploadId }));
      }),
  };
}

/** What has no time counts as new. */
function itemsOf({ Contents = [] }: ListObjectsV2CommandOutput, cut: (key: string) => string): InventoryItem[] {
  return Contents.map(({ Key = "", Size = 0, LastModified = new Date() }) => {
    return { key: cut(Key), bytes: Size, since: LastModified };
  });
}

import { type InventoryItem, openInventory } from "../storage/inventory.js";
import { openStore, type StoreLocation } from "../storage/store.js";
import { TouchstoneError } from "../study/errors.js";
import { digestsIn, type IndexOptions, indexStore, inParallel } from "./store-index.js";

/** What is removed, and what it is in words. */
export const garbageKinds = {
  orphans: "content that no result names",
  hiddenStates: "hidden states that no unfinished cell needs",
  quarantine: "quarantined objects",
  temporary: "left by the doctor or the benchmark",
  uploads: "unfinished uploads",
} as const;

export type GarbageKind = keyof typeof garbageKinds;

export interface Tally {
  objects: number;
  bytes: number;
  /** When the oldest was written; null: there is none. */
  oldest: Date | null;
}

export type Garbage = Record<GarbageKind, Tally> & {
  /** Content that nothing names but that is younger than the limit: a running study may be about to name it. Left alone. */
  young: Tally;
};

export interface GarbageOptions extends Pick<IndexOptions, "abandoned"> {
  /** Seconds; what was written since then is left alone. */
  olderThan: number;
  /** Remove it; else it is only counted. */
  remove: boolean;
  /** Manifests read and objects looked at so far. */
  report(done: number): void;
}

/** Objects that are removed by their age alone. */
const AGEING = [
  ["quarantine", "quarantine/", /./],
  ["temporary", "touchstone-doctor/", /./],
  ["temporary", "bench/", /^bench\/\d{13}\//],
] as const;

/**
 * Counts, and where asked removes, what no study needs any more. It may be interrupted at any moment: manifests go before their
 * content. A study that runs meanwhile makes new what it is about to name (`ObjectStore.renew`). Memory: 8 bytes for each digest
 * that a manifest holds.
 * @throws TouchstoneError StorageDenied, also where the credentials may not delete; StorageUnavailable
 */
export async function collectGarbage(location: StoreLocation, options: GarbageOptions): Promise<Garbage> {
  const { olderThan, remove, abandoned, report } = options;
  const [store, inventory] = [openStore(location), openInventory(location)];
  const limit = new Date(Date.now() - olderThan * 1000);
  const isOld = ({ since }: InventoryItem) => since < limit;
  const garbage: Garbage = {
    ...{ orphans: nothing(), hiddenStates: nothing(), quarantine: nothing(), temporary: nothing(), uploads: nothing() },
    young: nothing(),
  };
  const collect = async <Item extends InventoryItem>(
    kind: GarbageKind,
    items: readonly Item[],
    discard: (item: Item) => Promise<void> = inventory.remove,
  ) => {
    if (remove) await allowedTo(() => inParallel(items, discard));
    for (const item of items) count(garbage[kind], item);
  };

  let seen = 0;
  const { named, expired } = await indexStore(store, inventory, {
    ...{ limit, abandoned },
    report: () => report(++seen),
  });
  await collect("hiddenStates", expired.manifests);
  for await (const page of inventory.pages("v1/content/")) {
    const kinds: Record<"orphans" | "hiddenStates", InventoryItem[]> = { orphans: [], hiddenStates: [] };
    for (const item of page) {
      const [digest] = digestsIn(item.key);
      if (digest === undefined || named.has(digest)) continue;
      if (isOld(item)) kinds[expired.content.has(digest) ? "hiddenStates" : "orphans"].push(item);
      else count(garbage.young, item);
    }
    // Right after the page was listed: what is renewed after that is missed by its reader, and made again.
    await collect("hiddenStates", kinds.hiddenStates);
    await collect("orphans", kinds.orphans);
    seen += page.length;
    report(seen);
  }
  for (const [kind, prefix, pattern] of AGEING) {
    for await (const page of inventory.pages(prefix)) {
      await collect(
        kind,
        page.filter((item) => isOld(item) && pattern.test(item.key)),
      );
    }
  }
  for await (const page of inventory.uploads()) await collect("uploads", page.filter(isOld), inventory.abort);
  return garbage;
}

function nothing(): Tally {
  return { objects: 0, bytes: 0, oldest: null };
}

function count(tally: Tally, { bytes, since }: InventoryItem): void {
  tally.objects++;
  tally.bytes += bytes;
  if (tally.oldest === null || since < tally.oldest) tally.oldest = since;
}

async function allowedTo(discard: () => Promise<void>): Promise<void> {
  try {
    await discard();
  } catch (cause) {
    if (!(cause instanceof TouchstoneError) || cause.type !== "StorageDenied") throw cause;
    const problem = {
      what: "These credentials may not delete what is in the store",
      where: cause.problem.where,
      todo: "Run `touchstone gc --delete` with a key that may (s3:DeleteObject, s3:AbortMultipartUpload). Nothing that a study needs was touched.",
    };
    throw new TouchstoneError("StorageDenied", problem, { cause });
  }
}

import { Readable } from "node:stream";
import { recordsPrefix } from "../activities/cell-records.js";
import { neededActivations, ownerOfActivations } from "../activities/needed-activations.js";
import { parsePlan, plansPrefix } from "../activities/process-state.js";
import { createDigestSet, type DigestSet } from "../storage/digest-set.js";
import type { Inventory, InventoryItem } from "../storage/inventory.js";
import type { ObjectStore } from "../storage/store.js";
import type { StudyPlan } from "../study/plan.js";

/** What the manifests of a store say of its content. */
export interface StoreIndex {
  /** Content that manifests name. */
  named: DigestSet;
  /** Manifests of hidden states that no unfinished cell goes on from, and what they name. */
  expired: { manifests: readonly InventoryItem[]; content: DigestSet };
}

export interface IndexOptions {
  /** Manifests of hidden states that were written later aren't expired. */
  limit: Date;
  /** Studies that won't go on. */
  abandoned: readonly string[];
  /** Another manifest was read. */
  report(): void;
}

const AT_A_TIME = 32;
/** Folders beside those of manifests. */
const OTHERS = ["content", "study"];

/** Reads every manifest once. Every digest in it counts as named, also in kinds and formats that this version doesn't know. */
export async function indexStore(
  store: ObjectStore,
  inventory: Inventory,
  { limit, abandoned, report }: IndexOptions,
): Promise<StoreIndex> {
  const [named, cells, content] = [createDigestSet(), createDigestSet(), createDigestSet()];
  const sets = new Map<string, string>();
  const manifests: InventoryItem[] = [];
  const readAll = async (folder: string, use: (item: InventoryItem, text: string, key: string) => void) => {
    for await (const page of inventory.pages(`v1/${folder}/`)) {
      await inParallel(page, async (item) => {
        const bytes = await store.read(item.key);
        if (bytes !== undefined) use(item, new TextDecoder().decode(bytes), digestsIn(item.key)[0] ?? "");
        report();
      });
    }
  };

  const folders = (await inventory.folders("v1/")).filter((name) => !OTHERS.includes(name));
  for (const folder of folders.filter((name) => name !== "activations")) {
    await readAll(folder, (_, text, key) => {
      for (const digest of digestsIn(text)) named.add(digest);
      if (folder === "cell") cells.add(key);
      if (folder === "calibration") sets.set(key, parsed<{ facts: { digest: string } }>(text)?.facts.digest ?? "");
    });
  }
  const needed = new Set<string>();
  for (const name of await inventory.folders("v1/study/")) {
    const plan = abandoned.includes(name) ? undefined : await latestPlan(name, store, inventory);
    if (plan === undefined) continue;
    const failed = await failedCells(name, inventory);
    for (const owner of neededActivations(plan, { sets, hasCell: cells.has, failed })) needed.add(owner);
  }
  await readAll("activations", (item, text) => {
    const manifest = parsed<{ derivation: unknown }>(text);
    const isExpired =
      item.since < limit && manifest !== undefined && !needed.has(ownerOfActivations(manifest.derivation));
    if (isExpired) manifests.push(item);
    for (const digest of digestsIn(text)) (isExpired ? content : named).add(digest);
  });
  return { named, expired: { manifests, content } };
}

/** Works on all, some at a time. */
export async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  await Readable.from(items).forEach(work, { concurrency: AT_A_TIME });
}

/** The SHA-256 digests in a text. */
export function digestsIn(text: string): string[] {
  return text.match(/\b[0-9a-f]{64}\b/g) ?? [];
}

/** A study goes on with the plan that was made last: those before it were of models or data that have changed. */
export async function latestPlan(
  name: string,
  store: ObjectStore,
  inventory: Inventory,
): Promise<StudyPlan | undefined> {
  let latest: InventoryItem | undefined;
  for await (const page of inventory.pages(plansPrefix(name)))
    for (const item of page) if (latest === undefined || item.since >= latest.since) latest = item;
  const bytes = latest === undefined ? undefined : await store.read(latest.key);
  return bytes === undefined ? undefined : parsePlan(bytes, digestsIn(latest?.key ?? "")[0] ?? "");
}

async function failedCells(name: string, inventory: Inventory): Promise<Set<string>> {
  const prefix = recordsPrefix("failures", name);
  const failed = new Set<string>();
  for await (const page of inventory.pages(prefix))
    for (const { key } of page) failed.add(key.slice(prefix.length).replace(/\.json$/, ""));
  return failed;
}

/** undefined where it was altered: then it is left to who reads it next. */
function parsed<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}

import { TouchstoneError } from "../study/errors.js";
import { identity, sha256 } from "./identity.js";
import type { ObjectStore } from "./store.js";

/** What kinds of steps are remembered; each is a folder in the store, and so are `content` and `study`. */
export type CheckpointKind =
  | "calibration"
  | "activations"
  | "block"
  | "scores"
  | "evaluation"
  | "cell"
  | "contamination"
  | "inspection";

export interface StoredObject {
  sha256: string;
  bytes: number;
}

/** Written last, and only where there is none: a step is done when its manifest is there. */
export interface Manifest<Facts = unknown> {
  kind: CheckpointKind;
  key: string;
  /** What determined the result; `key` is its identity. */
  derivation: unknown;
  /** By name; the bytes lie under their digest. */
  objects: Readonly<Record<string, StoredObject>>;
  /** Small results. */
  facts: Facts;
}

/** Steps' results, by the identity of what determined them. */
export interface Checkpoints {
  find<Facts>(kind: CheckpointKind, derivation: unknown): Promise<Manifest<Facts> | undefined>;
  /** Stores an object that a manifest is to name: those of a large result one after the other. */
  write(bytes: Uint8Array): Promise<StoredObject>;
  /**
   * Stores the objects that aren't yet, then the manifest. Where another attempt was first its manifest is returned and counts, so that
   * an attempt that was given up can't mix its results with those of the next.
   */
  commit<Facts>(
    kind: CheckpointKind,
    derivation: unknown,
    objects: Readonly<Record<string, Uint8Array | StoredObject>>,
    facts: Facts,
  ): Promise<Manifest<Facts>>;
  /**
   * @throws TouchstoneError CheckpointCorrupt when the stored bytes are not those that were written: they and the manifest
   *   are moved to `quarantine/`, so that the next attempt computes the step again.
   */
  object(manifest: Manifest, name: string): Promise<Uint8Array>;
  /** Removes a step's result that nothing needs any more. Its bytes must be its own, as activations are. */
  remove(kind: CheckpointKind, derivation: unknown): Promise<void>;
}

export function openCheckpoints(store: ObjectStore): Checkpoints {
  const find = async <Facts>(kind: CheckpointKind, derivation: unknown): Promise<Manifest<Facts> | undefined> => {
    const key = identity(derivation);
    const bytes = await store.read(manifestKey(kind, key));
    return bytes === undefined ? undefined : await readManifest<Facts>(store, kind, key, bytes);
  };
  const write = async (bytes: Uint8Array): Promise<StoredObject> => {
    const digest = sha256(bytes);
    await writeContent(store, contentKey(digest), bytes);
    return { sha256: digest, bytes: bytes.length };
  };
  return {
    find,
    write,
    commit: async (kind, derivation, objects, facts) => {
      const key = identity(derivation);
      const stored = Object.entries(objects).map(async ([name, object]) => {
        return [name, object instanceof Uint8Array ? await write(object) : object] as const;
      });
      const manifest: Manifest<typeof facts> = {
        kind,
        key,
        derivation,
        objects: Object.fromEntries(await Promise.all(stored)),
        facts,
      };
      const isFirst = await store.writeNew(manifestKey(kind, key), encodeManifest(manifest));
      return isFirst ? manifest : ((await find<typeof facts>(kind, derivation)) ?? manifest);
    },
    object: async (manifest, name) => {
      const stored = manifest.objects[name];
      if (stored === undefined) throw new RangeError(`${manifest.kind} ${manifest.key} has no object ${name}`);
      const key = contentKey(stored.sha256);
      const bytes = await store.read(key);
      if (bytes !== undefined && bytes.length === stored.bytes && sha256(bytes) === stored.sha256) return bytes;
      await quarantine(store, bytes === undefined ? [] : [key], manifest.kind, manifest.key);
      throw corrupt(
        `${bytes === undefined ? "is gone" : "was altered"}`,
        `${name} of ${manifest.kind} ${manifest.key}`,
      );
    },
    remove: async (kind, derivation) => {
      const manifest = await find(kind, derivation);
      if (manifest === undefined) return;
      // The manifest goes first: a reader never finds one whose objects are gone.
      await store.remove(manifestKey(kind, manifest.key));
      const digests = Object.values(manifest.objects).map(({ sha256: digest }) => digest);
      await Promise.all(digests.map((digest) => store.remove(contentKey(digest))));
    },
  };
}

/** What lies there already may have been named by nothing for long: it is made new before it is named. */
async function writeContent(store: ObjectStore, key: string, bytes: Uint8Array): Promise<void> {
  if (await store.writeNew(key, bytes)) return;
  if (!(await store.renew(key))) await store.writeNew(key, bytes);
}

/** With a checksum of its own: facts are results too. */
function encodeManifest(manifest: Manifest): Uint8Array {
  const checksum = sha256(JSON.stringify(manifest));
  return new TextEncoder().encode(JSON.stringify({ ...manifest, checksum }));
}

async function readManifest<Facts>(
  store: ObjectStore,
  kind: CheckpointKind,
  key: string,
  bytes: Uint8Array,
): Promise<Manifest<Facts>> {
  const manifest = parseManifest<Facts>(bytes, kind, key);
  if (manifest !== undefined) return manifest;
  await quarantine(store, [], kind, key);
  throw corrupt("was altered", `the manifest of ${kind} ${key}`);
}

/** undefined where it was altered. */
function parseManifest<Facts>(bytes: Uint8Array, kind: CheckpointKind, key: string): Manifest<Facts> | undefined {
  try {
    const { checksum, ...rest } = JSON.parse(new TextDecoder().decode(bytes)) as Manifest<Facts> & { checksum: string };
    const isWhole = sha256(JSON.stringify(rest)) === checksum;
    return isWhole && rest.kind === kind && rest.key === key && identity(rest.derivation) === key ? rest : undefined;
  } catch {
    return undefined;
  }
}

/** A step's manifest as it lies in the store, with nothing mended there; `altered`: it isn't what was written. */
export async function peekManifest<Facts>(
  store: Pick<ObjectStore, "read">,
  kind: CheckpointKind,
  key: string,
): Promise<Manifest<Facts> | "altered" | undefined> {
  const bytes = await store.read(manifestKey(kind, key));
  return bytes === undefined ? undefined : (parseManifest<Facts>(bytes, kind, key) ?? "altered");
}

/** The bytes that lie under a digest, be they altered or not; undefined where they are gone. */
export function peekContent(store: Pick<ObjectStore, "read">, digest: string): Promise<Uint8Array | undefined> {
  return store.read(contentKey(digest));
}

async function quarantine(
  store: ObjectStore,
  keys: readonly string[],
  kind: CheckpointKind,
  key: string,
): Promise<void> {
  const stamp = new Date().toISOString();
  for (const from of [...keys, manifestKey(kind, key)]) await store.move(from, `quarantine/${stamp}/${from}`);
}

function corrupt(what: string, where: string): TouchstoneError {
  return new TouchstoneError("CheckpointCorrupt", {
    what: `A stored object ${what}: its checksum does not fit`,
    where,
    todo: "What is left of it was moved to quarantine/ in the store; it is computed again.",
  });
}

/** Where a step's result is in the store. */
export function manifestKey(kind: CheckpointKind, key: string): string {
  return `v1/${kind}/${key}.json`;
}

function contentKey(digest: string): string {
  return `v1/content/${digest}.arrow`;
}

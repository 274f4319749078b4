import type { ObjectStore } from "../../storage/store.js";

/** An object store in memory, whose objects a test can look at and alter. */
export function memoryStore(): { store: ObjectStore; objects: Map<string, Uint8Array> } {
  const objects = new Map<string, Uint8Array>();
  const store: ObjectStore = {
    location: { bucket: "memory", prefix: "" },
    read: async (key) => objects.get(key),
    writeNew: async (key, bytes) => {
      if (objects.has(key)) return false;
      objects.set(key, bytes);
      return true;
    },
    renew: async (key) => objects.has(key),
    replace: async (key, bytes) => {
      objects.set(key, bytes);
    },
    list: async (prefix) => Array.from(objects.keys()).filter((key) => key.startsWith(prefix)),
    move: async (from, to) => {
      const bytes = objects.get(from);
      if (bytes !== undefined) objects.set(to, bytes);
      objects.delete(from);
    },
    remove: async (key) => {
      objects.delete(key);
    },
  };
  return { store, objects };
}

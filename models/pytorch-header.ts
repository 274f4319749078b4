import type { DataFile } from "../storage/files.js";
import { TouchstoneError } from "../study/errors.js";
import { DTYPE_BYTES } from "./tensor-values.js";
import { isCompound, type Pickled, type PickleNames, unpickle } from "./unpickle.js";
import { entryStart, readZipDirectory, type ZipEntry } from "./zip-directory.js";

export interface PytorchEntry {
  /** As safetensors names it. */
  dtype: string;
  shape: readonly number[];
  /** Elements from one to the next along each axis. */
  strides: readonly number[];
  /** First element in the storage. */
  start: number;
  /** Elements from the first to the last in the storage, both included. */
  extent: number;
  storage: ZipEntry;
}

interface Storage {
  kind: "storage";
  key: string;
  /** Untyped storages get theirs with the tensor, and count bytes. */
  dtype?: string;
  elements: number;
}

interface Tensor extends Pick<PytorchEntry, "dtype" | "shape" | "strides" | "start"> {
  kind: "tensor";
  storage: Storage;
}

type Value = Pickled<Storage | Tensor>;

const STORAGE_DTYPES: Readonly<Record<string, string | undefined>> = {
  "torch.DoubleStorage": "F64",
  "torch.FloatStorage": "F32",
  "torch.HalfStorage": "F16",
  "torch.BFloat16Storage": "BF16",
  "torch.LongStorage": "I64",
  "torch.IntStorage": "I32",
  "torch.ShortStorage": "I16",
  "torch.CharStorage": "I8",
  "torch.ByteStorage": "U8",
  "torch.BoolStorage": "BOOL",
  "torch.storage.UntypedStorage": undefined,
};

/** Of tensors whose type has no storage class of its own. */
const DTYPES: Readonly<Record<string, string>> = { "torch.float8_e4m3fn": "F8_E4M3", "torch.float8_e5m2": "F8_E5M2" };

const FUNCTIONS: Readonly<Record<string, (items: readonly Value[]) => Value | undefined>> = {
  "collections.OrderedDict": (items) => (items.length === 0 ? { kind: "dict", entries: new Map() } : undefined),
  "torch._utils._rebuild_parameter": ([data]) => (isMade(data, "tensor") ? data : undefined),
  /** (storage, first element, size, stride, requires_grad, hooks[, metadata]) */
  "torch._utils._rebuild_tensor_v2": (items) => rebuilt(items, undefined, items[6]),
  /** (storage, first element, size, stride, requires_grad, hooks, dtype[, metadata]) */
  "torch._utils._rebuild_tensor_v3": (items) => {
    const dtype = items[6];
    return isCompound(dtype, "global") ? rebuilt(items, DTYPES[dtype.name], items[7]) : undefined;
  },
};

const NAMES: PickleNames<Storage | Tensor> = {
  allows: (name) => [STORAGE_DTYPES, DTYPES, FUNCTIONS].some((table) => Object.hasOwn(table, name)),
  call: (name, items) => (Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name](items) : undefined),
  /** ("storage", class, key, device, elements) */
  outside: (id) => {
    if (!isCompound(id, "tuple")) return undefined;
    const [tag, type, key, , elements] = id.items;
    const isStorage = tag === "storage" && isCompound(type, "global") && Object.hasOwn(STORAGE_DTYPES, type.name);
    if (!isStorage || typeof key !== "string" || !isCount(elements)) return undefined;
    return { kind: "made", value: { kind: "storage", key, dtype: STORAGE_DTYPES[type.name], elements } };
  },
};

/**
 * Reads and validates what a file that `torch.save` wrote of a state dict (since torch 1.6) says of its tensors.
 * Source: torch/serialization.py, torch/_utils.py.
 * @throws TouchstoneError InvalidModel for a file that is empty, truncated, corrupt, or has anything but tensors
 */
export async function readPytorchHeader(file: DataFile): Promise<ReadonlyMap<string, PytorchEntry>> {
  await checkKind(file);
  const directory = await readZipDirectory(file);
  const pickles = Array.from(directory.keys()).filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (pickles.length !== 1) throw broken(file.uri, "The archive has no data.pkl, as those of torch.save have");
  const folder = pickles[0].slice(0, -"data.pkl".length);
  const order = directory.get(`${folder}byteorder`);
  if (order !== undefined && order.bytes < 16 && (await readText(file, order)) !== "little") {
    throw broken(file.uri, "The tensors' bytes are in big-endian order");
  }
  const entries = new Map<string, PytorchEntry>();
  for (const [name, tensor] of stateDict(await readEntry(file, directory.get(pickles[0])!), file.uri)) {
    const where = `${file.uri}, tensor ${name}`;
    entries.set(name, placed(tensor, directory.get(`${folder}data/${tensor.storage.key}`), where));
  }
  return entries;
}

/** What other kinds of file have this name. */
async function checkKind(file: DataFile): Promise<void> {
  if (file.size === 0) throw broken(file.uri, "The file has 0 bytes");
  const head = await file.read(0, Math.min(file.size, 512));
  const isTar = new TextDecoder("latin1").decode(head.subarray(257, 262)) === "ustar";
  if (head[0] !== 0x80 && !isTar) return;
  throw new TouchstoneError("InvalidModel", {
    what: "The file is in the format that torch wrote before 1.6",
    where: file.uri,
    todo: "Load it with torch, and save it as safetensors.",
  });
}

function stateDict(pickle: Uint8Array, where: string): [string, Tensor][] {
  const dict = unpickle(pickle, NAMES, where);
  if (!isCompound(dict, "dict") || dict.entries.size === 0) throw broken(where, "The file holds no state dict");
  return Array.from(dict.entries, ([name, value]) => {
    if (typeof name !== "string" || !isMade(value, "tensor")) {
      throw broken(where, `The state dict has something else than tensors under ${JSON.stringify(shortened(name))}`);
    }
    return [name, value.value as Tensor];
  });
}

function shortened(name: Value): string {
  return typeof name === "string" ? name.slice(0, 100) : "a key that is no text";
}

function rebuilt(items: readonly Value[], dtype: string | undefined, metadata: Value | undefined): Value | undefined {
  const [made, start, size, stride] = items;
  if (!isMade(made, "storage") || !isCount(start)) return undefined;
  // Views that are conjugated or negated as they are read.
  if (metadata !== undefined && metadata !== null && !(isCompound(metadata, "dict") && metadata.entries.size === 0)) {
    return undefined;
  }
  const storage = made.value as Storage;
  const type = storage.dtype ?? dtype;
  const [shape, strides] = [countsOf(size), countsOf(stride)];
  if (type === undefined || shape === undefined || strides?.length !== shape.length) return undefined;
  return { kind: "made", value: { kind: "tensor", dtype: type, shape, strides, start, storage } };
}

/** Checks the tensor against its storage, and the storage against the archive. */
function placed(
  { dtype, shape, strides, start, storage }: Tensor,
  entry: ZipEntry | undefined,
  where: string,
): PytorchEntry {
  const width = DTYPE_BYTES[dtype];
  if (entry === undefined) throw broken(where, `The archive lacks the storage ${JSON.stringify(storage.key)}`);
  if (entry.bytes !== storage.elements * (storage.dtype === undefined ? 1 : width)) {
    throw broken(where, `The storage has ${entry.bytes} bytes, which isn't what ${storage.elements} elements take`);
  }
  const elements = shape.reduce((product, size) => product * size, 1);
  const last = shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis], 0);
  const extent = elements === 0 ? 0 : last + 1;
  // More elements than the storage has are those of an expanded view, which may be of any size.
  if (elements * width > entry.bytes || (start + extent) * width > entry.bytes) {
    throw broken(
      where,
      `A tensor of shape [${shape}] with strides [${strides}] from ${start} on is beyond its storage`,
    );
  }
  return { dtype, shape, strides, start, extent, storage: entry };
}

function isMade(
  value: Value | undefined,
  kind: "storage" | "tensor",
): value is Value & { kind: "made"; value: Storage | Tensor } {
  return isCompound(value, "made") && value.value.kind === kind;
}

function isCount(value: Value | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** A tuple of sizes; no tensor has more than 64 axes. */
function countsOf(value: Value | undefined): readonly number[] | undefined {
  if (!isCompound(value, "tuple") || value.items.length > 64 || !value.items.every(isCount)) return undefined;
  return value.items;
}

async function readEntry(file: DataFile, entry: ZipEntry): Promise<Uint8Array> {
  return file.read(await entryStart(file, entry), entry.bytes);
}

async function readText(file: DataFile, entry: ZipEntry): Promise<string> {
  return new TextDecoder().decode(await readEntry(file, entry));
}

function broken(where: string, what: string): TouchstoneError {
  return new TouchstoneError("InvalidModel", {
    what,
    where,
    todo: "Fetch the file again, or load it with torch and save it as safetensors.",
  });
}

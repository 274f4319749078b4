/** Writes small files of `torch.save` byte by byte: a pickle and storages in a ZIP archive. */

export interface TorchTensor {
  name: string;
  /** Of float32 values. */
  storage: Float32Array;
  shape: readonly number[];
  strides: readonly number[];
  start: number;
}

export function encodePytorch(tensors: readonly TorchTensor[]): Uint8Array {
  const entries = new Map([["model/data.pkl", encodePickle(tensors)]]);
  for (const [i, { storage }] of tensors.entries()) {
    entries.set(`model/data/${i}`, new Uint8Array(storage.buffer, storage.byteOffset, storage.byteLength));
  }
  return encodeZip(entries);
}

/** Protocol 2, as torch writes it; nothing is shared. */
export function encodePickle(tensors: readonly TorchTensor[]): Uint8Array {
  const items = tensors.flatMap(({ name, storage, shape, strides, start }, i) => [
    text(name),
    global("torch._utils", "_rebuild_tensor_v2"),
    tuple(
      [
        tuple(text("storage"), global("torch", "FloatStorage"), text(String(i)), text("cpu"), integer(storage.length)),
        [0x51],
      ].flat(),
      integer(start),
      tuple(...shape.map(integer)),
      tuple(...strides.map(integer)),
      [0x89],
      [...global("collections", "OrderedDict"), 0x29, 0x52],
    ),
    [0x52],
  ]);
  return Uint8Array.from([0x80, 2, 0x7d, 0x28, ...items.flat(), 0x75, 0x2e]);
}

/** Entries stored as they are, without checksums; lengths and places in 64 bits where `wide`. */
export function encodeZip(entries: ReadonlyMap<string, Uint8Array>, wide = false): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const [name, content] of entries) {
    const [nameBytes, length] = [new TextEncoder().encode(name), content.length];
    const sizes = wide ? [0xffffffff, 0xffffffff] : [length, length];
    const extra = wide ? join(uint16(1, 24), uint64(length, length, at)) : new Uint8Array(0);
    const common = (extraBytes: number) =>
      join(uint16(45, 0, 0, 0, 0), uint32(0, ...sizes), uint16(nameBytes.length, extraBytes));
    parts.push(uint32(0x04034b50), common(0), nameBytes, content);
    directory.push(uint32(0x02014b50), uint16(45), common(extra.length), uint16(0, 0, 0));
    directory.push(uint32(0, wide ? 0xffffffff : at), nameBytes, extra);
    at += 30 + nameBytes.length + length;
  }
  const listed = join(...directory);
  const end64 = join(uint32(0x06064b50), uint64(44), uint16(45, 45), uint32(0, 0));
  const counts = uint64(entries.size, entries.size, listed.length, at);
  const locator = join(uint32(0x07064b50, 0), uint64(at + listed.length), uint32(1));
  const end = join(uint32(0x06054b50), uint16(0, 0, entries.size, entries.size), uint32(listed.length, at), uint16(0));
  return join(...parts, listed, ...(wide ? [end64, counts, locator] : []), end);
}

function text(value: string): number[] {
  const bytes = new TextEncoder().encode(value);
  return [0x58, ...uint32(bytes.length), ...bytes];
}

function global(module: string, name: string): number[] {
  return [0x63, ...new TextEncoder().encode(`${module}\n${name}\n`)];
}

function integer(value: number): number[] {
  return [0x8a, 8, ...uint64(value)];
}

function tuple(...items: number[][]): number[] {
  return [0x28, ...items.flat(), 0x74];
}

function uint16(...values: number[]): Uint8Array {
  return new Uint8Array(Uint16Array.from(values).buffer);
}

function uint32(...values: number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}

function uint64(...values: number[]): Uint8Array {
  return new Uint8Array(BigUint64Array.from(values, BigInt).buffer);
}

function join(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

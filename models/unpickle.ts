import { TouchstoneError } from "../study/errors.js";

// Python's pickles are programs, which may call whatever they name. Libraries (pickleparser) run all of them, and make as much as
// these ask for. This one knows the instructions that plain data take, and no names but those it is given.

/** What a pickle makes; `T` is made by the functions that it may name. */
export type Pickled<T> = null | boolean | number | string | Compound<T>;
export type Compound<T> =
  | { kind: "tuple"; items: readonly Pickled<T>[] }
  | { kind: "list"; items: Pickled<T>[] }
  | { kind: "dict"; entries: Map<Pickled<T>, Pickled<T>> }
  | { kind: "global"; name: string }
  | { kind: "made"; value: T };

export interface PickleNames<T> {
  /** Whether `module.name` may be in the pickle. */
  allows(name: string): boolean;
  /** Calls a function; undefined where it takes no such arguments. */
  call(name: string, items: readonly Pickled<T>[]): Pickled<T> | undefined;
  /** What an id of something outside the pickle stands for; undefined where it is none. */
  outside(id: Pickled<T>): Pickled<T> | undefined;
}

/** A tensor takes some 150 bytes, and five tuples. */
const MAX_BYTES = 16 << 20;
const MAX_COMPOUNDS = 1 << 20;
const MAX_NAME = 200;

/**
 * What a pickle (protocols 2 to 5) stands for. Nothing is called but what `names` allows.
 * @throws TouchstoneError InvalidModel naming what else it asks for, or where it is truncated or corrupt
 */
export function unpickle<T>(bytes: Uint8Array, names: PickleNames<T>, where: string): Pickled<T> {
  if (bytes.length > MAX_BYTES) throw broken(where, `${bytes.length} bytes are more than the tensors of a file take`);
  return new Machine(bytes, names, where).run();
}

class Machine<T> {
  #at = 0;
  #compounds = 0;
  readonly #view: DataView;
  readonly #stack: Pickled<T>[] = [];
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, Pickled<T>>();

  constructor(
    readonly bytes: Uint8Array,
    readonly names: PickleNames<T>,
    readonly where: string,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  run(): Pickled<T> {
    for (;;) {
      const code = this.#uint8();
      if (code === 0x2e) return this.#pop();
      this.#step(code);
    }
  }

  /** Numbers of instructions: Python's Lib/pickle.py. */
  #step(code: number): void {
    switch (code) {
      case 0x80: // PROTO
        if (this.#uint8() > 5) throw this.#broken("its protocol is unknown");
        break;
      case 0x95: // FRAME
        this.#take(8);
        break;
      case 0x28: // MARK
        this.#marks.push(this.#stack.length);
        break;
      case 0x4e: // NONE
        this.#push(null);
        break;
      case 0x88: // NEWTRUE
        this.#push(true);
        break;
      case 0x89: // NEWFALSE
        this.#push(false);
        break;
      case 0x4a: // BININT
        this.#push(this.#view.getInt32(this.#take(4), true));
        break;
      case 0x4b: // BININT1
        this.#push(this.#uint8());
        break;
      case 0x4d: // BININT2
        this.#push(this.#view.getUint16(this.#take(2), true));
        break;
      case 0x8a: // LONG1
        this.#push(this.#long(this.#uint8()));
        break;
      case 0x47: // BINFLOAT
        this.#push(this.#view.getFloat64(this.#take(8), false));
        break;
      case 0x58: // BINUNICODE
        this.#push(this.#text(this.#uint32()));
        break;
      case 0x8c: // SHORT_BINUNICODE
        this.#push(this.#text(this.#uint8()));
        break;
      case 0x29: // EMPTY_TUPLE
        this.#make({ kind: "tuple", items: [] });
        break;
      case 0x85: // TUPLE1
      case 0x86:
      case 0x87:
        this.#make({ kind: "tuple", items: this.#popMany(code - 0x84) });
        break;
      case 0x74: // TUPLE
        this.#make({ kind: "tuple", items: this.#popToMark() });
        break;
      case 0x5d: // EMPTY_LIST
        this.#make({ kind: "list", items: [] });
        break;
      case 0x61: // APPEND
        this.#append(this.#popMany(1));
        break;
      case 0x65: // APPENDS
        this.#append(this.#popToMark());
        break;
      case 0x7d: // EMPTY_DICT
        this.#make({ kind: "dict", entries: new Map() });
        break;
      case 0x73: // SETITEM
        this.#setItems(this.#popMany(2));
        break;
      case 0x75: // SETITEMS
        this.#setItems(this.#popToMark());
        break;
      case 0x62: // BUILD: attributes of the dictionary, such as _metadata
        this.#pop();
        this.#dict();
        break;
      case 0x71: // BINPUT
        this.#remember(this.#uint8());
        break;
      case 0x72: // LONG_BINPUT
        this.#remember(this.#uint32());
        break;
      case 0x94: // MEMOIZE
        this.#remember(this.#memo.size);
        break;
      case 0x68: // BINGET
        this.#recall(this.#uint8());
        break;
      case 0x6a: // LONG_BINGET
        this.#recall(this.#uint32());
        break;
      case 0x63: // GLOBAL
        this.#global(this.#line(), this.#line());
        break;
      case 0x93: // STACK_GLOBAL
        this.#stackGlobal();
        break;
      case 0x52: // REDUCE
        this.#call();
        break;
      case 0x51: // BINPERSID
        this.#push(this.names.outside(this.#pop()) ?? this.#refuseOutside());
        break;
      default:
        throw this.#broken(`it has the instruction 0x${code.toString(16)}, which tensors don't take`);
    }
  }

  #stackGlobal(): void {
    const [module, name] = this.#popMany(2);
    this.#global(module, name);
  }

  #global(module: Pickled<T>, name: Pickled<T>): void {
    if (typeof module !== "string" || typeof name !== "string") throw this.#broken("a name is no text");
    const full = `${module}.${name}`;
    if (this.names.allows(full)) {
      this.#make({ kind: "global", name: full });
      return;
    }
    const shown = JSON.stringify(full.slice(0, MAX_NAME));
    throw new TouchstoneError("InvalidModel", {
      what: `The file names ${shown}, which plain tensors don't take and which might run code`,
      where: this.where,
      todo: "Only tensors are read. If you trust the file, load it with torch and save the tensors as safetensors.",
    });
  }

  #call(): void {
    const [callee, items] = this.#popMany(2);
    if (!isCompound(callee, "global") || !isCompound(items, "tuple"))
      throw this.#broken("it calls what is no function");
    const result = this.names.call(callee.name, items.items);
    if (result === undefined) throw this.#broken(`it calls ${callee.name} with arguments that it doesn't take`);
    this.#count();
    this.#push(result);
  }

  #refuseOutside(): never {
    throw this.#broken("it refers to something outside that is no storage of a tensor");
  }

  #append(items: readonly Pickled<T>[]): void {
    const list = this.#stack.at(-1);
    if (!isCompound(list, "list")) throw this.#broken("it appends to what is no list");
    for (const item of items) list.items.push(item);
  }

  #setItems(items: readonly Pickled<T>[]): void {
    if (items.length % 2 !== 0) throw this.#broken("a key has no value");
    const { entries } = this.#dict();
    for (let i = 0; i < items.length; i += 2) entries.set(items[i], items[i + 1]);
  }

  #dict(): Extract<Compound<T>, { kind: "dict" }> {
    const dict = this.#stack.at(-1);
    if (!isCompound(dict, "dict")) throw this.#broken("it sets keys of what is no dictionary");
    return dict;
  }

  #make(compound: Compound<T>): void {
    this.#count();
    this.#push(compound);
  }

  #count(): void {
    if (++this.#compounds > MAX_COMPOUNDS) throw this.#broken("it makes more than the tensors of a file take");
  }

  #remember(key: number): void {
    const value = this.#pop();
    this.#memo.set(key, value);
    this.#push(value);
  }

  #recall(key: number): void {
    const value = this.#memo.get(key);
    if (value === undefined) throw this.#broken("it recalls what it didn't keep");
    this.#push(value);
  }

  #push(value: Pickled<T>): void {
    this.#stack.push(value);
  }

  #pop(): Pickled<T> {
    return this.#popMany(1)[0];
  }

  #popMany(count: number): Pickled<T>[] {
    const start = this.#stack.length - count;
    if (start < (this.#marks.at(-1) ?? 0)) throw this.#broken("it takes more from its stack than is there");
    return this.#stack.splice(start);
  }

  #popToMark(): Pickled<T>[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw this.#broken("it lacks a mark on its stack");
    return this.#stack.splice(mark);
  }

  #uint8(): number {
    return this.bytes[this.#take(1)];
  }

  #uint32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** A signed integer of any width up to what numbers here can hold. */
  #long(length: number): number {
    const start = this.#take(length);
    let value = 0n;
    for (let i = Math.min(length, 16) - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.bytes[start + i]);
    const number = Number(BigInt.asIntN(8 * Math.min(length, 16), value));
    if (length > 16 || !Number.isSafeInteger(number)) throw this.#broken("it has a number that is not possible");
    return number;
  }

  #text(length: number): string {
    const start = this.#take(length);
    return utf8.decode(this.bytes.subarray(start, start + length));
  }

  #line(): string {
    const end = this.bytes.indexOf(0x0a, this.#at);
    if (end === -1) throw this.#broken("it ends inside a name");
    const text = this.#text(end - this.#at);
    this.#take(1);
    return text;
  }

  #take(length: number): number {
    const start = this.#at;
    if (start + length > this.bytes.length) throw this.#broken("it ends before its last instruction");
    this.#at = start + length;
    return start;
  }

  #broken(what: string): TouchstoneError {
    return broken(this.where, what);
  }
}

export function isCompound<T, K extends Compound<T>["kind"]>(
  value: Pickled<T> | undefined,
  kind: K,
): value is Extract<Compound<T>, { kind: K }> {
  return typeof value === "object" && value !== null && value.kind === kind;
}

const utf8 = new TextDecoder();

function broken(where: string, what: string): TouchstoneError {
  return new TouchstoneError("InvalidModel", {
    what: `The pickle of the file's tensors can't be read: ${what}`,
    where,
    todo: "Fetch the file again, or load it with torch and save the tensors as safetensors.",
  });
}

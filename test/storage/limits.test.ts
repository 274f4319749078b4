import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { checkoutFolder } from "../../storage/home.js";
import { checkStruct } from "../../storage/parquet-limits.js";
import { checkDataPage } from "../../storage/parquet-pages.js";
import { ZstdLimits } from "../../storage/zstd-limits.js";

const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];
const check = (bytes: readonly number[], most?: number, produced = 0) =>
  new ZstdLimits(most).check(Uint8Array.from(bytes), produced);

test("a real Zstandard file passes, however it is cut into parts, twice over too", async () => {
  const file = await readFile(join(checkoutFolder, "test", "storage", "fixtures", "zstd.jsonl.zst"));
  for (const size of [1, 3, file.length]) {
    const limits = new ZstdLimits();
    const twice = Buffer.concat([file, file]);
    for (let at = 0; at < twice.length; at += size) limits.check(twice.subarray(at, at + size), 0);
  }
});

test("what the reference encoder makes at all its levels passes", async () => {
  const file = await readFile(join(checkoutFolder, "test", "storage", "fixtures", "levels.zst"));
  check([...file]);
});

test("sequences that copy more than a block holds, or go on where its bits have ended, are refused", () => {
  /** One block without literals, whose sequences all have the same three codes. */
  const block = (count: readonly number[], [literals, offset, match]: readonly number[], bits: readonly number[]) => {
    const content = [0, ...count, 0x54, literals, offset, match, ...bits];
    return [...MAGIC, 0, 7 << 3, ...[(content.length << 3) | 5, 0, 0], ...content];
  };
  const many = [255, 255, 255];
  check(block([100], [0, 0, 31], [1]));
  assert.throws(() => check(block(many, [0, 0, 31], [1])), /copy more than a block holds/);
  assert.throws(() => check(block(many, [0, 0, 52], [255, 1])), /more sequences than bits/);
  assert.throws(() => check(block(many, [0, 0, 53], [1])), /the code 53/);
  assert.throws(() => check(block([100], [0, 0, 31], [0])), /no bits for its sequences/);
  assert.throws(() => check([...MAGIC, 0, 7 << 3, 5, 0, 0]), /block is empty/);
});

test("windows of 128 MiB are given, larger ones are not; neither are dictionaries and announced gigabytes", () => {
  const frame = (descriptor: number, ...header: number[]) => [...MAGIC, descriptor, ...header];
  check(frame(0, 17 << 3));
  assert.throws(() => check(frame(0, 18 << 3)), /window of 268435456 bytes/);
  assert.throws(() => check(frame(1, 0, 7)), /dictionary/);
  assert.throws(() => check(frame(0xa0, 0, 0, 0, 0x80), 1000), /announces 2147483648 bytes/);
  assert.throws(() => check([1, 2, 3, 4, 5]), /no Zstandard frame/);
});

test("empty blocks, for each of which the whole window is moved, come to an end", () => {
  const empty = Array.from({ length: 40 }, () => [0, 0, 0]).flat();
  const largest = [...MAGIC, 0, 17 << 3];
  assert.throws(() => check([...largest, ...empty]), /hold too little/);
  check([...largest, ...empty], undefined, 2 ** 23);
});

test("runs, packed groups, blocks and repeated beginnings that a page can't hold are refused", () => {
  const page = (bytes: readonly number[], encoding: number, values = 8, definition = 0) =>
    checkDataPage(Uint8Array.from(bytes), { values, encoding }, { repetition: 0, definition }, false, 100);
  const [dictionary, delta, prefixed] = [8, 5, 7];
  page([2, 16, 3], dictionary);
  assert.throws(() => page([2, 18, 3], dictionary), /a run of 9 values/);
  page([2, 3, 0, 0], dictionary);
  assert.throws(() => page([0x02, 0xff, 0xff, 0x7f], dictionary), /packed values are more/);
  assert.throws(() => page([2, 4, 3], dictionary), /ends too early/);
  assert.throws(() => page([33, 16, 3], dictionary), /values of 33 bits/);
  // Five of eight values are there: a run of three absent ones, and one of the others.
  page([4, 0, 0, 0, 6, 0, 10, 1, 2, 10, 3], dictionary, 8, 1);
  assert.throws(() => page([4, 0, 0, 0, 6, 0, 10, 1, 2, 12, 3], dictionary, 8, 1), /a run of 6 values/);
  const deltas = [0x80, 1, 4, 8, 0, 2, 0, 0, 0, 0];
  page(deltas, delta);
  assert.throws(() => page([0, ...deltas.slice(1)], delta), /blocks of 0 values/);
  assert.throws(() => page([0x80, 1, 0, 8, 0], delta), /in 0 parts/);
  const same = (value: number) => [0x80, 1, 4, 8, 2 * value, 0, 0, 0, 0, 0];
  page([...same(0), ...deltas], prefixed);
  assert.throws(() => page([...same(25), ...deltas], prefixed), /can't begin with 25 bytes of the 0 before it/);
  assert.throws(() => page([...same(0), ...same(25)], prefixed), /can't be 200 bytes/);
});

test("lists, nesting and numbers of Thrift that can't be in the bytes are refused before they are believed", () => {
  checkStruct(Uint8Array.of(0x15, 2, 0));
  assert.throws(
    () => checkStruct(Uint8Array.of(0x19, 0xfc, 0x80, 0x80, 0x80, 0x80, 1, 0)),
    /a list of 268435456 items/,
  );
  assert.throws(() => checkStruct(new Uint8Array(100).fill(0x1c)), /nested/);
  assert.throws(() => checkStruct(new Uint8Array(100).fill(0x80).fill(0x15, 0, 1)), /too long/);
  assert.throws(() => checkStruct(Uint8Array.of(0x18, 9, 1)), /end too early/);
});

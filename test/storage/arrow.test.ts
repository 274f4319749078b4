import assert from "node:assert/strict";
import { test } from "node:test";
import { Float32, makeData, RecordBatch, Struct, Table, tableToIPC } from "apache-arrow";
import { decodeArrow, encodeArrow } from "../../storage/arrow.js";

test("columns may share their offsets, and have no values", () => {
  const offsets = Int32Array.of(0, 0);
  const bytes = encodeArrow("test", {
    a: { kind: "ragged", offsets, values: new Uint16Array(0) },
    b: { kind: "ragged", offsets, values: new Float32Array(0) },
  });
  const table = decodeArrow(bytes, "test");
  for (const name of ["a", "b"]) assert.deepEqual(table.offsets(name), offsets);
});

test("a column with fewer values than rows is refused by name", () => {
  const data = makeData({ type: new Float32(), length: 9, nullCount: 0, data: new Float32Array(2) });
  const { schema } = new Table({ short: data });
  const batch = new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length: 9, children: [data] }));
  const bytes = tableToIPC(new Table(schema, [batch]), "file");
  assert.throws(
    () => decodeArrow(bytes, "test"),
    (error: Error) => /column "short" hasn't the values of 9 rows/.test(String(error.cause)),
  );
});

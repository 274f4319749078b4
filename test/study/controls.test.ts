import assert from "node:assert/strict";
import { test } from "node:test";
import { requireConcurrency, requireSkip } from "../../study/controls.js";

test("a skip names a cell of one of the models, and why", () => {
  requireSkip({ cell: "a/gptq/c4-n16-set0", reason: "slow" }, ["a", "b"]);
  requireSkip({ cell: "b/dense", reason: "x".repeat(500) }, ["a", "b"]);
  const wrong: [object | undefined, RegExp][] = [
    [undefined, /undefined is none of a, b/],
    [{ cell: "ab/dense", reason: "slow" }, /"ab\/dense" is none of a, b.*For example \{"cell"/],
    [{ cell: "a/dense" }, /reason must be a text/],
    [{ cell: "a/dense", reason: " " }, /reason must be a text of 1 to 500/],
    [{ cell: "a/dense", reason: "x".repeat(501) }, /reason must be/],
  ];
  for (const [request, message] of wrong)
    assert.throws(() => requireSkip(request, ["a", "b"]), { name: "InvalidSettings", message });
});

test("at least one cell runs at a time, and 200 at most", () => {
  for (const cells of [1, 200]) requireConcurrency({ cells });
  for (const cells of [0, 201, 1.5, Number.NaN, undefined])
    assert.throws(() => requireConcurrency({ cells }), { name: "InvalidSettings", message: /1 to 200.*"cells": 4/ });
});

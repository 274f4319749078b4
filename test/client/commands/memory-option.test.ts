import assert from "node:assert/strict";
import { test } from "node:test";
import { Command } from "commander";
import { parseMemoryOption } from "../../../client/commands/memory-option.js";
import { automaticMemory } from "../../../evaluation/memory.js";

function memoryOf(...given: string[]): unknown {
  const command = new Command().exitOverride().option("--memory <amount>", "", parseMemoryOption);
  return command.parse(given, { from: "user" }).opts().memory;
}

test("an amount is in bytes, and auto is what is taken where nothing is said", () => {
  assert.equal(memoryOf("--memory", "4GiB"), 4 * 2 ** 30);
  assert.equal(memoryOf("--memory", "auto"), automaticMemory());
  assert.equal(memoryOf(), undefined);
});

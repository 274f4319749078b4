import assert from "node:assert/strict";
import { test } from "node:test";
import { automaticMemory, hiddenStateBytes } from "../../evaluation/memory.js";
import { llama } from "../../models/architectures/llama.js";
import type { Model } from "../../models/model.js";
import { SMALL_CONFIG } from "../models/small-model.js";

const GIB = 2 ** 30;

function modelOf(changes: Readonly<Record<string, unknown>>): Model {
  const config = llama.readConfig({ ...SMALL_CONFIG, ...changes }, "the test's configuration");
  return { config, architecture: llama } as Model;
}

/** Touvron et al. 2023, table 2. */
const llama7b = modelOf({
  ...{ vocab_size: 32_000, hidden_size: 4096, intermediate_size: 11_008, num_hidden_layers: 32 },
  ...{ num_attention_heads: 32, num_key_value_heads: 32 },
});

test("4 GiB hold a block of LLaMA-7B twice, and leave room for the hidden states of tens of thousands of tokens", () => {
  const block = 4 * (4 * 4096 ** 2 + 3 * 4096 * 11_008);
  const left = hiddenStateBytes(llama7b, 4 * GIB, 512);
  assert.ok(left < 4 * GIB - 2 * block);
  assert.ok(left > 50_000 * 4096 * 4, `${left}`);
});

test("what is left grows with the budget byte for byte, and is nothing where the weights take all", () => {
  const at = (memory: number) => hiddenStateBytes(llama7b, memory, 512);
  assert.equal(at(6 * GIB) - at(5 * GIB), GIB);
  assert.equal(at(2 * GIB), 0);
});

test("longer rows leave less", () => {
  assert.ok(hiddenStateBytes(llama7b, 8 * GIB, 2048) < hiddenStateBytes(llama7b, 8 * GIB, 512));
});

test("compute processes share what is taken by default", () => {
  const alone = automaticMemory();
  process.env.TOUCHSTONE_PROCESSES = "4";
  try {
    // A byte may be lost to rounding.
    assert.ok(Math.abs(automaticMemory() - alone / 4) <= 1);
  } finally {
    delete process.env.TOUCHSTONE_PROCESSES;
  }
});

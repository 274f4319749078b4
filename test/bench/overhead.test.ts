import assert from "node:assert/strict";
import { test } from "node:test";
import { blockOverhead } from "../../bench/overhead.js";

const machine = { gflops: 150, copyGigabytes: 10 };

test("a block of LLaMA-7B takes what its operations and bytes take", () => {
  const { computeSeconds, elseSeconds, share } = blockOverhead(machine, 0.2, 150e6);
  // 202 M weights x 2 x 262,144 tokens, and second moments of three inputs of 4,096 and one of 11,008.
  const pass = 262_144 * (2 * 202_375_168 + 3 * 4096 ** 2 + 11_008 ** 2);
  assert.ok(computeSeconds > pass / 150e9 && computeSeconds < 1.05 * (pass / 150e9));
  // 4 bits, and 8 bytes a group of 128; an eighth of 262,144 x 4,096 x 4 bytes.
  const bytes = (202_375_168 * 4.5) / 8 + (262_144 * 4096 * 4) / 8;
  assert.ok(Math.abs(elseSeconds - (0.2 + bytes / 150e6)) < 1e-6);
  assert.equal(share, elseSeconds / (computeSeconds + elseSeconds));
});

test("at the limit's rate the share is five per cent, where bytes are no limit", () => {
  const { limitGflops } = blockOverhead(machine, 0.2, 150e6);
  const { share } = blockOverhead({ gflops: limitGflops, copyGigabytes: 1e6 }, 0.2, 150e6);
  assert.ok(Math.abs(share - 0.05) < 1e-9);
});

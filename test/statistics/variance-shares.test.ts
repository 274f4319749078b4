import assert from "node:assert/strict";
import { test } from "node:test";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { type VarianceShares, varianceShares } from "../../statistics/variance-shares.js";
import { generatorOf } from "../../storage/generator.js";

function uniformOf(seed: string): () => number {
  const generator = generatorOf(seed);
  return () => uniformFloat64(generator);
}

/** Box & Muller 1958. */
function normalOf(seed: string): () => number {
  const uniform = uniformOf(seed);
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

test("the shares are those of a table computed by hand, and sum to 1", () => {
  // Mean squares between 13.5 and within 1, three sets a source: source (13.5 - 1) / 3; noise 0.5 of the 1 within.
  const groups = [
    [1, 2, 3],
    [4, 5, 6],
  ];
  const shares = varianceShares(groups, [1, 2], uniformOf("hand")) as VarianceShares;
  const all = 12.5 / 3 + 1;
  assert.ok(Math.abs(shares.source.share - 12.5 / 3 / all) < 1e-12);
  assert.ok(Math.abs((shares.noise?.share ?? 0) - 0.5 / all) < 1e-12);
  assert.ok(Math.abs(shares.source.share + shares.set.share + (shares.noise?.share ?? 0) - 1) < 1e-12);
});

test("without replicates noise is in the sets' share", () => {
  const shares = varianceShares(
    [
      [1, 2],
      [5, 6],
    ],
    [],
    uniformOf("none"),
  ) as VarianceShares;
  assert.equal(shares.noise, null);
  assert.ok(Math.abs(shares.source.share + shares.set.share - 1) < 1e-12);
});

test("what is missing is said in place of numbers", () => {
  assert.deepEqual(varianceShares([[1, 2]], [], uniformOf("a")), { missing: "two sources at least" });
  assert.deepEqual(varianceShares([[1], [2]], [], uniformOf("a")), { missing: "two sets a source at least" });
  assert.equal(
    varianceShares(
      [
        [1, 1],
        [1, 1],
      ],
      [1, 2],
      uniformOf("a"),
    ),
    null,
  );
});

test("intervals hold the true shares in about 95 % of simulated studies", () => {
  const [normal, uniform] = [normalOf("coverage"), uniformOf("draws")];
  const [source, set, noise] = [1, 0.8, 0.5];
  const all = source ** 2 + set ** 2 + noise ** 2;
  const truth = { source: source ** 2 / all, set: set ** 2 / all, noise: noise ** 2 / all };
  const studies = 150;
  const covered = { source: 0, set: 0, noise: 0 };
  for (let i = 0; i < studies; i++) {
    const groups = Array.from({ length: 5 }, () => {
      const mean = source * normal();
      return Array.from({ length: 4 }, () => mean + set * normal() + noise * normal());
    });
    const replicates = Array.from({ length: 5 }, () => noise * normal());
    const shares = varianceShares(groups, replicates, uniform) as VarianceShares;
    for (const part of ["source", "set", "noise"] as const) {
      const { low, high } = shares[part] ?? { low: 1, high: 0 };
      covered[part] += Number(low <= truth[part] && truth[part] <= high);
    }
  }
  // Fewer than 135 of 150 have a probability under 1 % where the coverage is 95 %.
  for (const [part, count] of Object.entries(covered)) assert.ok(count >= 135, `${part}: ${count} of ${studies}`);
});

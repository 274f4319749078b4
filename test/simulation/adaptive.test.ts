import assert from "node:assert/strict";
import { test } from "node:test";
import { generatorOf } from "../../storage/generator.js";
import { normalValues } from "./draw.js";
import type { Pool } from "./pool.js";
import { searchLines, simulateSearch } from "./search.js";
import { shareOf, shareText } from "./share.js";
import { simulateStopping, stoppingLines } from "./stopping.js";

/** Sets of which one in ten answers to three tasks differ, and each is a little better than the one before. */
function pool(): Pool {
  const generator = generatorOf("outcomes of a pool");
  const tasks = [1000, 800, 500].map((records) => normalValues(records, generator));
  const margins = (skill: number) =>
    tasks.map((difficulties) => {
      const luck = normalValues(difficulties.length, generator);
      return Float64Array.from(difficulties, (record, i) => skill + 0.2 * luck[i] - record);
    });
  const all = Array.from({ length: 32 }, (_, set) => margins(0.004 * set));
  return {
    name: "a pool",
    sets: all.map((set) => set.map((task) => Uint8Array.from(task, (margin) => Number(margin > 0)))),
    certainty: {
      ...{ model: "made up", isPilots: true, dense: margins(0).map((task) => task.map(Math.abs)) },
      values: all.map((set) => set.map((task) => task.map(Math.abs))),
    },
  };
}

test("intervals hold the mean at all looks in at least 95 % of studies, of normal figures and real ones", () => {
  const figures = simulateStopping([pool()], 1000, "quick");
  for (const { population, studies, always, atStop } of figures) {
    // Skewed figures are no normal ones: a look may miss somewhat more often, the last one doesn't.
    if (!population.startsWith("skewed")) assert.ok(always >= 0.95 * studies, `${population}: ${always} of ${studies}`);
    assert.ok(atStop >= 0.95 * studies, `${population}: ${atStop} of ${studies}`);
  }
  assert.ok(
    figures.some(({ known, studies, sets }) => known > studies / 2 && sets < 8 * studies),
    "sets are spared",
  );
  const lines = stoppingLines(figures);
  assert.equal(lines[1], "  a pool");
  assert.match(lines[2], /all looks hold the mean .* % \(.* to .*\)/);
  assert.deepEqual(simulateStopping([pool()], 20, "quick"), simulateStopping([pool()], 20, "quick"));
});

test("a quarter of the records, or half, finds a set within one standard error of the best in at least 95 % of searches", () => {
  const figures = simulateSearch([pool()], 60, "quick");
  for (const { name, budget, cost, within, searches, regret, blindRegret } of figures) {
    assert.ok(cost <= budget, name);
    assert.ok(within >= 0.95 * searches, `${name}: ${within} of ${searches}`);
    assert.ok(regret < blindRegret / 4, name);
  }
  assert.deepEqual([...new Set(figures.map(({ budget }) => budget))], [0.25, 0.5]);
  const lines = searchLines(figures);
  assert.match(lines[1], /25 %, all real outcomes: within one standard error .* %/);
  assert.match(lines[3], /25 %, a pool: 32 sets, 1610 records each/);
});

test("a share has its exact binomial interval", () => {
  // As R's binom.test(96, 100) and binom.test(0, 20) give them.
  assert.equal(shareText(shareOf(96, 100)), " 96.0 % (90.1 to 98.9)");
  assert.equal(shareText(shareOf(0, 20)), "  0.0 % (0.0 to 16.8)");
  assert.equal(shareText(shareOf(20, 20)), "100.0 % (83.2 to 100.0)");
});

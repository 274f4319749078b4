import type { RandomGenerator } from "pure-rand/types/RandomGenerator";
import { mean, sampleStandardDeviation } from "simple-statistics";
import { knowledgeAfter, sequentialHalfWidth } from "../../statistics/stopping.js";
import { generatorOf } from "../../storage/generator.js";
import { drawnFrom, normalValues } from "./draw.js";
import { meanOf, type Pool } from "./pool.js";
import { shareOf, shareText } from "./share.js";

/** What a source's sets give, with their true mean. */
interface Population {
  name: string;
  mean: number;
  standardDeviation: number;
  draw: (count: number, generator: RandomGenerator) => number[];
}

export interface Stopped {
  population: string;
  /** Wanted half-width, in standard deviations of the population. */
  wanted: number;
  studies: number;
  /** Studies in which every interval from the minimum to the maximum holds the mean, and those in which the last one does. */
  always: number;
  atStop: number;
  /** Studies that knew the mean before the maximum, and sets that all of them took. */
  known: number;
  sets: number;
}

const MINIMUM = 3;
const MAXIMUM = 10;
/** Of the wanted half-width: from what few sets reach to what even the maximum doesn't. */
const WANTED = [4, 2, 1.5, 1];

/**
 * Studies of one source each, whose sets are drawn from a population until its mean is known: how often the intervals hold it. From
 * real outcomes: the accuracies of a pool's sets are the population.
 */
export function simulateStopping(pools: readonly Pool[], studies: number, seed: string): Stopped[] {
  return [...pools.map(poolPopulation), ...madeUp].flatMap((population) =>
    WANTED.map((wanted) => {
      const generator = generatorOf(`${seed}/stopping/${population.name}/${wanted}`);
      const total = { always: 0, atStop: 0, known: 0, sets: 0 };
      for (let study = 0; study < studies; study++) {
        const values = population.draw(MAXIMUM, generator);
        const rule = { halfWidth: wanted * population.standardDeviation, minimum: MINIMUM };
        const stopped = knowledgeAfter(values, rule);
        const holds = (seen: readonly number[]) => {
          const halfWidth = sequentialHalfWidth(seen) ?? Number.POSITIVE_INFINITY;
          return Math.abs(mean([...seen]) - population.mean) <= halfWidth;
        };
        const looks = Array.from({ length: MAXIMUM - MINIMUM + 1 }, (_, i) => values.slice(0, MINIMUM + i));
        total.always += Number(looks.every(holds));
        total.atStop += Number(holds(values.slice(0, stopped.count)));
        total.known += Number(stopped.known);
        total.sets += stopped.count;
      }
      return { population: population.name, wanted, studies, ...total };
    }),
  );
}

export function stoppingLines(figures: readonly Stopped[]): string[] {
  return [
    `intervals of a source's mean, at 95 %, looked at after ${MINIMUM} to ${MAXIMUM} sets`,
    ...figures.flatMap(({ population, wanted, studies, always, atStop, known, sets }, i) => {
      const title = population === figures[i - 1]?.population ? [] : [`  ${population}`];
      const width = `±${wanted} standard deviations wanted`;
      return [
        ...title,
        `    ${width.padEnd(32)}: all looks hold the mean ${shareText(shareOf(always, studies))}, the last ${shareText(shareOf(atStop, studies))}; ${shareText(shareOf(known, studies))} stopped, after ${(sets / studies).toFixed(1)} sets on average`,
      ];
    }),
  ];
}

/**
 * The smoothed bootstrap (Silverman & Young 1987): a set that is drawn twice would agree with itself to the last record, as
 * no two sets do. Each value is moved by a kernel's width, and all are drawn together again to keep their variance.
 */
function poolPopulation({ name, sets }: Pool): Population {
  const accuracies = sets.map((set) => meanOf(set.map(meanOf)));
  const center = mean(accuracies);
  const deviation = sampleStandardDeviation(accuracies) * Math.sqrt(1 - 1 / accuracies.length);
  const kernel = 1.06 * accuracies.length ** -0.2;
  const draw = (count: number, generator: RandomGenerator) => {
    const moves = normalValues(count, generator);
    const moved = drawnFrom(accuracies, count, generator).map(
      (value, i) => value - center + kernel * deviation * moves[i],
    );
    return moved.map((value) => center + value / Math.hypot(1, kernel));
  };
  return { name, mean: center, standardDeviation: deviation, draw };
}

/** A normal value is above it once in ten times. */
const TENTH = 1.2815515655446004;

/** A normal population, and others that are not: skewed, heavy-tailed, and coarse as accuracies over few records are. */
const madeUp: readonly Population[] = [
  { name: "normal", mean: 0, standardDeviation: 1, draw: normalValues },
  {
    ...{
      name: "skewed (log-normal)",
      mean: Math.exp(1 / 8),
      standardDeviation: Math.exp(1 / 8) * Math.sqrt(Math.exp(1 / 4) - 1),
    },
    draw: (count, generator) => normalValues(count, generator).map((value) => Math.exp(value / 2)),
  },
  {
    ...{ name: "heavy tails (one in ten three times as wide)", mean: 0, standardDeviation: Math.sqrt(1.8) },
    draw: (count, generator) =>
      normalValues(count, generator).map((value) => value * (normalValues(1, generator)[0] > TENTH ? 3 : 1)),
  },
  {
    ...{ name: "coarse (steps of half a deviation)", mean: 0, standardDeviation: Math.sqrt(1 + 1 / 48) },
    draw: (count, generator) => normalValues(count, generator).map((value) => Math.round(2 * value) / 2),
  },
];

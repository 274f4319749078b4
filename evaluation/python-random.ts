import { mersenneFromState } from "pure-rand/generator/mersenne";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";

/** Words of the Mersenne Twister's state. */
const WORDS = 624;

/** The next whole number, 0 <= x < `below` <= 2^32. */
export type Below = (below: number) => number;

/**
 * Whole numbers as Python's `random.Random(seed)` draws them for `sample`, `shuffle` and `choice` (`_randbelow`, CPython 3.2 and
 * later): the leading bits of a 32-bit word, drawn again where they are too large.
 * @param seed 0 <= seed < 2^32
 */
export function pythonRandom(seed: number): Below {
  const generator = seededByArray(seed);
  return (below) => {
    const bits = 32 - Math.clz32(below);
    for (;;) {
      const drawn = (generator.next() >>> 0) >>> (32 - bits);
      if (drawn < below) return drawn;
    }
  };
}

/**
 * Indices of a sample without replacement, in the order of Python's `random.sample(range(size), count)`: from a pool that
 * shrinks where the pool is small, else by drawing again what was drawn before.
 * @param count at most `size`
 */
export function pythonSample(random: Below, size: number, count: number): number[] {
  // CPython takes a pool where it needs less memory than a set of `count` would.
  const setSize = count <= 5 ? 21 : 21 + 4 ** Math.ceil(Math.log(count * 3) / Math.log(4));
  if (size > setSize) return sampleByRejection(random, size, count);
  const pool = Array.from({ length: size }, (_, i) => i);
  return Array.from({ length: count }, (_, i) => {
    const drawn = random(size - i);
    const chosen = pool[drawn];
    pool[drawn] = pool[size - i - 1];
    return chosen;
  });
}

function sampleByRejection(random: Below, size: number, count: number): number[] {
  const selected = new Set<number>();
  while (selected.size < count) selected.add(random(size));
  return Array.from(selected);
}

/**
 * MT19937 with `init_by_array([seed])` (Matsumoto and Nishimura 2002, mt19937ar), which Python seeds whole numbers by. The
 * library seeds by one word (`init_genrand`), so the state is made here.
 */
function seededByArray(seed: number): RandomGenerator {
  const state = new Int32Array(WORDS);
  state[0] = 19650218;
  for (let i = 1; i < WORDS; i++) state[i] = Math.imul(mixed(state[i - 1]), 1812433253) + i;
  let i = 1;
  const step = (next: number) => {
    state[i] = next;
    if (++i < WORDS) return;
    state[0] = state[WORDS - 1];
    i = 1;
  };
  for (let k = 0; k < WORDS; k++) step((state[i] ^ Math.imul(mixed(state[i - 1]), 1664525)) + seed);
  for (let k = 1; k < WORDS; k++) step((state[i] ^ Math.imul(mixed(state[i - 1]), 1566083941)) - i);
  state[0] = 0x80000000;
  const generator = mersenneFromState([0, ...state]);
  // The library's states are one turn ahead, and it turns each word when it gives it.
  for (let k = 0; k < WORDS; k++) generator.next();
  return generator;
}

function mixed(word: number): number {
  return word ^ (word >>> 30);
}

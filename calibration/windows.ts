import { cutWindow, type Drawing, type DrawingOptions } from "./drawing.js";
import { windowStart } from "./order.js";
import type { CalibrationSequence } from "./set.js";

interface LongDocument {
  /** How many documents had been taken when it came, itself included. */
  examined: number;
  /** Its windows; more than the first only where it may have to be used again. */
  windows: readonly CalibrationSequence[];
}

/**
 * A random window of each document with more than `length` tokens; position p of the order is set floor(p / R)'s,
 * where R is the largest set's size. With `reuse` the order starts over, with other windows, when the documents end.
 */
export function windowDrawing(options: DrawingOptions): Drawing {
  const { length, largestSize, reuse } = options.settings;
  const needed = options.sets * largestSize;
  const long: LongDocument[] = [];
  let examined = 0;
  return {
    take: ({ place, hash, tokens }) => {
      examined++;
      if (tokens.length <= length || long.length === needed) return;
      // Uses of this document if it were the last long one: position p falls on document p mod (documents).
      const rounds = reuse ? Math.ceil((needed - long.length) / (long.length + 1)) : 1;
      const windows = Array.from({ length: rounds }, (_, round) => {
        const offset = windowStart(hash, round, tokens.length - length);
        return { documents: [place], offset, tokens: cutWindow(tokens, offset, options) };
      });
      long.push({ examined, windows });
    },
    get complete() {
      return long.length === needed;
    },
    finish: () => {
      if (long.length === needed || (reuse && long.length > 0)) return undefined;
      return {
        has: `${long.length} with more than ${length} tokens`,
        needed: `${needed} are needed (${options.sets} x ${largestSize}, so that sets share none)`,
      };
    },
    set: (index) => {
      const first = index * largestSize;
      const sequences = Array.from({ length: largestSize }, (_, i) => {
        const position = first + i;
        return long[position % long.length].windows[Math.floor(position / long.length)];
      });
      const longEnough = Math.min(first + largestSize, long.length);
      return { sequences, longEnough, examined: long[longEnough - 1].examined };
    },
  };
}

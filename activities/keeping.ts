import { LRUCache } from "lru-cache";
import { homePath } from "../storage/home.js";
import { readLocalRecord, replaceLocalRecord } from "../storage/local-record.js";
import { keepingInterval, type LossRecord, PRIOR_WRITE_RATE, secondsBetweenLosses } from "../study/keeping.js";
import { activationInterval, type StudySpec } from "../study/spec.js";

/** How often a cell's hidden states are kept, and with `auto` why so often. */
export interface KeepingChoice {
  /** Blocks from one kept boundary to the next; Infinity: none is kept. */
  blocks: number;
  why?: string;
}

/** A block as it was compressed. */
export interface MeasuredBlock {
  /** Bytes of the hidden states after it. */
  bytes: number;
  seconds: { capture: number; solve: number; forward: number };
}

/** What a process knows of keeping hidden states. No result depends on it. */
export interface Keeping {
  choose(spec: StudySpec, block: MeasuredBlock): KeepingChoice;
  /** Hidden states were written to the store. */
  wrote(bytes: number, seconds: number): void;
  /** A block was compressed. */
  computed(block: MeasuredBlock): void;
  /** A block's inputs weren't in memory, where the block before it had left them: this process or another has lost them. */
  lost(): Promise<void>;
  /** A cell's last kept boundary, as far as this process knows it, by the identity of its first one. */
  kept: LRUCache<string, number>;
}

const CELLS = 1000;
const NOTHING: LossRecord = { seconds: 0, losses: 0 };

export function createKeeping(): Keeping {
  const written = { bytes: 0, seconds: 0 };
  // Processes die of what is counted here: the count is the machine's, and outlives them.
  const path = homePath("cache", "losses.json");
  const readRecord = async () => {
    const { seconds, losses } = { ...NOTHING, ...(await readLocalRecord<Partial<LossRecord>>(path)) };
    return seconds >= 0 && losses >= 0 ? { seconds, losses } : NOTHING;
  };
  let record = NOTHING;
  let saving = readRecord().then((found) => {
    record = plus(record, found);
  });
  /** Counted at once; saved while the caller goes on. */
  const add = (more: LossRecord): Promise<void> => {
    record = plus(record, more);
    saving = saving.then(async () => {
      // A home that can't be written must not end a step: it is a matter of speed.
      await replaceLocalRecord(path, plus(await readRecord(), more)).catch(() => undefined);
    });
    return saving;
  };
  return {
    choose: (spec, { bytes, seconds }) => {
      const fixed = activationInterval(spec);
      if (fixed !== "auto") return { blocks: fixed };
      const rate = written.bytes > 0 ? written.bytes / written.seconds : PRIOR_WRITE_RATE;
      const costs = {
        write: bytes / rate,
        forward: seconds.forward,
        block: sum(seconds),
        betweenLosses: secondsBetweenLosses(record),
      };
      const blocks = keepingInterval(costs);
      const [write, forward, block] = [costs.write, costs.forward, costs.block].map((each) => `${rounded(each)} s`);
      const hours = rounded(costs.betweenLosses / 3600);
      return {
        blocks,
        why: `writing takes ${write}, passing forward ${forward}, compressing ${block}; memory is lost every ${hours} h of computing`,
      };
    },
    wrote: (bytes, seconds) => {
      written.bytes += bytes;
      written.seconds += seconds;
    },
    computed: ({ seconds }) => void add({ seconds: sum(seconds), losses: 0 }),
    lost: () => add({ seconds: 0, losses: 1 }),
    kept: new LRUCache({ max: CELLS }),
  };
}

function plus(one: LossRecord, other: LossRecord): LossRecord {
  return { seconds: one.seconds + other.seconds, losses: one.losses + other.losses };
}

function sum({ capture, solve, forward }: MeasuredBlock["seconds"]): number {
  return capture + solve + forward;
}

function rounded(value: number): string {
  return Number(value.toPrecision(2)).toString();
}

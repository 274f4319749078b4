import { knownModelSize, type ModelSize } from "../study/known-sizes.js";
import { methodSettingsSchema } from "../study/methods.js";
import { blockBytes } from "../study/price.js";
import { leastSeconds, solveWork } from "./solve-work.js";

/** A block of a large model, computed: what it takes at the least, and what else it takes at the most. */
export interface BlockOverhead {
  model: string;
  computeSeconds: number;
  elseSeconds: number;
  /** Of both. */
  share: number;
  /** Where the hardware's products are as fast as this, the share is 5 %. */
  limitGflops: number;
}

const MODEL = "llama-7b";
const TOKENS = 128 * 2048;
const FLOAT = 4;
/** A boundary of hidden states is stored every so many blocks. */
const KEPT_EVERY = 8;
const LIMIT = 0.05;

/**
 * GPTQ with its defaults on 128 x 2,048 tokens, from rates measured on this machine. The share is an upper bound: computing counts with
 * one pass, the second moments and the columns at the rate of the fastest product; of all else nothing goes on beside it.
 * @param blockSeconds what a block of a small model takes besides computing, its own storing included
 * @param storeBytes a second, to the store
 */
export function blockOverhead(
  machine: { gflops: number; copyGigabytes: number },
  blockSeconds: number,
  storeBytes: number,
): BlockOverhead {
  const size = knownModelSize(MODEL);
  const settings = methodSettingsSchema.parse({ method: "gptq" });
  if (size === undefined || settings.method !== "gptq") throw new RangeError(`the size of ${MODEL} is not known`);
  const solving = size.linears.map(([rows, columns]) => solveWork("gptq", { rows, columns }, settings.blockSize));
  const operations = passOperations(size) + solving.reduce((sum, work) => sum + work.operations, 0);
  const solveSeconds = solving.reduce((sum, work) => sum + leastSeconds(work, machine), 0);
  const computeSeconds = passOperations(size) / machine.gflops / 1e9 + solveSeconds;
  const bytes = blockBytes(size, settings) + (TOKENS * size.hiddenSize * FLOAT) / KEPT_EVERY;
  const elseSeconds = blockSeconds + bytes / storeBytes;
  return {
    ...{ model: MODEL, computeSeconds, elseSeconds, share: elseSeconds / (elseSeconds + computeSeconds) },
    limitGflops: operations / (elseSeconds * (1 / LIMIT - 1)) / 1e9,
  };
}

/** Each linear once, and for each input that linears share the half of its second moment. */
function passOperations({ linears, hiddenSize }: ModelSize): number {
  const products = linears.reduce((sum, [rows, columns]) => sum + 2 * rows * columns, 0);
  const down = linears.map(([, columns]) => columns).filter((columns) => columns !== hiddenSize);
  const inputs = [hiddenSize, hiddenSize, hiddenSize, ...down];
  return TOKENS * (products + inputs.reduce((sum, columns) => sum + columns ** 2, 0));
}

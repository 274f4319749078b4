import type { Llama3RopeScaling, ModelConfig, TokenTree } from "./model.js";

/** Tables of the rotary embedding for a row of tokens, [tokens, headDim] each. */
export interface RotaryTables {
  cos: Float32Array;
  /** The first half of each row is negated: rotated = x * cos + (x with its halves swapped) * sin. */
  signedSin: Float32Array;
}

/** The longest tables made so far: every block and chunk asks for the same ones. */
const longest = new WeakMap<ModelConfig, RotaryTables>();

/**
 * Positions 0 .. tokens - 1 of the rotary embedding (Su et al. 2021, arXiv 2104.09864), in Hugging Face's layout: dimension i
 * is paired with i + headDim/2.
 */
export function rotaryTables(config: ModelConfig, tokens: number): RotaryTables {
  const values = tokens * config.headDim;
  let tables = longest.get(config);
  if (tables === undefined || tables.cos.length < values) {
    tables = makeTables(config, tokens);
    longest.set(config, tables);
  }
  return { cos: tables.cos.subarray(0, values), signedSin: tables.signedSin.subarray(0, values) };
}

function makeTables(config: ModelConfig, tokens: number): RotaryTables {
  const { headDim } = config;
  const half = headDim / 2;
  const frequencies = inverseFrequencies(config);
  const cos = new Float32Array(tokens * headDim);
  const signedSin = new Float32Array(tokens * headDim);
  for (let position = 0, row = 0; position < tokens; position++, row += headDim) {
    for (let i = 0; i < half; i++) {
      // Float32 like the reference: the product's rounding shows at large positions.
      const angle = Math.fround(position * frequencies[i]);
      cos[row + i] = cos[row + half + i] = Math.cos(angle);
      signedSin[row + half + i] = Math.sin(angle);
      signedSin[row + i] = -signedSin[row + half + i];
    }
  }
  return { cos, signedSin };
}

/** The tables' rows at the positions of a tree's tokens; zeros after them. */
export function treeTables(config: ModelConfig, { positions }: TokenTree, count: number): RotaryTables {
  const { headDim } = config;
  const depth = positions.reduce((most, position) => Math.max(most, position + 1), 0);
  const { cos, signedSin } = rotaryTables(config, depth);
  const rowsOf = (table: Float32Array) => {
    const rows = new Float32Array(count * headDim);
    positions.forEach((position, i) => {
      rows.set(table.subarray(position * headDim, (position + 1) * headDim), i * headDim);
    });
    return rows;
  };
  return { cos: rowsOf(cos), signedSin: rowsOf(signedSin) };
}

/** Radians a position, [headDim / 2]. */
function inverseFrequencies({ headDim, ropeTheta, ropeScaling }: ModelConfig): Float32Array {
  const plain = plainFrequencies(headDim, ropeTheta);
  if (ropeScaling === null) return plain;
  const factors = llama3Factors(headDim, ropeTheta, ropeScaling);
  return plain.map((frequency, i) => frequency / factors[i]);
}

function plainFrequencies(headDim: number, theta: number): Float32Array {
  return Float32Array.from({ length: headDim / 2 }, (_, i) => 1 / Math.fround(theta ** Math.fround((2 * i) / headDim)));
}

/**
 * What each frequency is divided by in LLaMA 3.1's scaling, [headDim / 2]: 1 for short wavelengths, `factor` for long ones,
 * smooth between (`_compute_llama3_parameters` in transformers).
 */
export function llama3Factors(headDim: number, theta: number, scaling: Llama3RopeScaling): Float32Array {
  const { factor, lowFreqFactor, highFreqFactor, originalMaxPositionEmbeddings } = scaling;
  return plainFrequencies(headDim, theta).map((frequency) => {
    const turns = (originalMaxPositionEmbeddings * frequency) / (2 * Math.PI);
    if (turns < lowFreqFactor) return factor;
    if (turns > highFreqFactor) return 1;
    const smooth = (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
    return 1 / ((1 - smooth) / factor + smooth);
  });
}

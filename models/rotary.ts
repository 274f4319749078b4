import type { Llama3RopeScaling, Rope, TokenTree } from "./model.js";

/** Tables of the rotary embedding for a row of tokens, [tokens, rotaryDim] each. */
export interface RotaryTables {
  cos: Float32Array;
  /** The first half of each row is negated: rotated = x * cos + (x with its halves swapped) * sin. */
  signedSin: Float32Array;
}

/** The longest tables made so far: every block and chunk asks for the same ones. */
const longest = new WeakMap<Rope, RotaryTables>();

/**
 * Positions 0 .. tokens - 1 of the rotary embedding (Su et al. 2021, arXiv 2104.09864), in Hugging Face's layout: dimension i
 * is paired with i + rotaryDim/2.
 */
export function rotaryTables(rope: Rope, tokens: number): RotaryTables {
  const values = tokens * rope.rotaryDim;
  let tables = longest.get(rope);
  if (tables === undefined || tables.cos.length < values) {
    tables = makeTables(rope, tokens);
    longest.set(rope, tables);
  }
  return { cos: tables.cos.subarray(0, values), signedSin: tables.signedSin.subarray(0, values) };
}

function makeTables(rope: Rope, tokens: number): RotaryTables {
  const { rotaryDim } = rope;
  const half = rotaryDim / 2;
  const frequencies = inverseFrequencies(rope);
  const cos = new Float32Array(tokens * rotaryDim);
  const signedSin = new Float32Array(tokens * rotaryDim);
  for (let position = 0, row = 0; position < tokens; position++, row += rotaryDim) {
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
export function treeTables(rope: Rope, { positions }: TokenTree, count: number): RotaryTables {
  const { rotaryDim } = rope;
  const depth = positions.reduce((most, position) => Math.max(most, position + 1), 0);
  const { cos, signedSin } = rotaryTables(rope, depth);
  const rowsOf = (table: Float32Array) => {
    const rows = new Float32Array(count * rotaryDim);
    positions.forEach((position, i) => {
      rows.set(table.subarray(position * rotaryDim, (position + 1) * rotaryDim), i * rotaryDim);
    });
    return rows;
  };
  return { cos: rowsOf(cos), signedSin: rowsOf(signedSin) };
}

/** Radians a position, [rotaryDim / 2]. */
function inverseFrequencies({ rotaryDim, ropeTheta, ropeScaling }: Rope): Float32Array {
  const plain = plainFrequencies(rotaryDim, ropeTheta);
  if (ropeScaling === null) return plain;
  if (ropeScaling.type === "linear") return plain.map((frequency) => frequency / ropeScaling.factor);
  const factors = llama3Factors(rotaryDim, ropeTheta, ropeScaling);
  return plain.map((frequency, i) => frequency / factors[i]);
}

function plainFrequencies(dim: number, theta: number): Float32Array {
  return Float32Array.from({ length: dim / 2 }, (_, i) => 1 / Math.fround(theta ** Math.fround((2 * i) / dim)));
}

/**
 * What each frequency is divided by in LLaMA 3.1's scaling, [dim / 2]: 1 for short wavelengths, `factor` for long ones,
 * smooth between (`_compute_llama3_parameters` in transformers).
 */
export function llama3Factors(dim: number, theta: number, scaling: Omit<Llama3RopeScaling, "type">): Float32Array {
  const { factor, lowFreqFactor, highFreqFactor, originalMaxPositionEmbeddings } = scaling;
  return plainFrequencies(dim, theta).map((frequency) => {
    const turns = (originalMaxPositionEmbeddings * frequency) / (2 * Math.PI);
    if (turns < lowFreqFactor) return factor;
    if (turns > highFreqFactor) return 1;
    const smooth = (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
    return 1 / ((1 - smooth) / factor + smooth);
  });
}

import { uniformFloat32 } from "pure-rand/distribution/uniformFloat32";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

// Random queries, keys and values, and what attention makes of them by its definition.

export interface Shape {
  sequences: number;
  tokens: number;
  heads: number;
  keyValueHeads: number;
  headDim: number;
  /** headDim unless given. */
  rotaryDim?: number;
  window?: number;
  softcap?: number;
}

export interface AttentionInput {
  q: Float32Array;
  k: Float32Array;
  v: Float32Array;
  cos: Float32Array;
  signedSin: Float32Array;
  parents?: Int32Array;
  shape: Shape;
}

/** Uniform in -1 .. 1. */
export function values(count: number, seed: number): Float32Array {
  const random = xoroshiro128plus(seed);
  return Float32Array.from({ length: count }, () => 2 * uniformFloat32(random) - 1);
}

export function attentionInput(shape: Shape): AttentionInput {
  const { sequences, tokens, heads, keyValueHeads, headDim, rotaryDim = headDim } = shape;
  const rows = sequences * tokens;
  return {
    q: values(rows * heads * headDim, 5).map((value) => 4 * value),
    k: values(rows * keyValueHeads * headDim, 6),
    v: values(rows * keyValueHeads * headDim, 7),
    cos: values(tokens * rotaryDim, 8),
    signedSin: values(tokens * rotaryDim, 9),
    shape,
  };
}

/** A few sequences of one beginning, and two of their own. */
export function treeOf(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => {
    if (i === 0 || i === 50 || i === 70) return -1;
    return i > 20 && i < 50 && i % 7 === 0 ? 15 : i - 1;
  });
}

/** The tokens of one sequence in another order, with repetitions. */
export function pick(input: AttentionInput, order: readonly number[]): AttentionInput {
  const { headDim, heads, keyValueHeads } = input.shape;
  const rows = (data: Float32Array, width: number) =>
    Float32Array.from(
      { length: order.length * width },
      (_, i) => data[order[Math.floor(i / width)] * width + (i % width)],
    );
  return {
    q: rows(input.q, heads * headDim),
    k: rows(input.k, keyValueHeads * headDim),
    v: rows(input.v, keyValueHeads * headDim),
    cos: rows(input.cos, headDim),
    signedSin: rows(input.signedSin, headDim),
    shape: { ...input.shape, tokens: order.length },
  };
}

export function repeat(input: AttentionInput, sequences: number): AttentionInput {
  const times = (data: Float32Array) =>
    Float32Array.from({ length: sequences * data.length }, (_, i) => data[i % data.length]);
  const { q, k, v, shape } = input;
  return { ...input, q: times(q), k: times(k), v: times(v), shape: { ...shape, sequences } };
}

/** The definition, token by token. */
export function attentionInFloat64({ q, k, v, cos, signedSin, parents, shape }: AttentionInput): Float64Array {
  const { sequences, tokens, heads, keyValueHeads, headDim, rotaryDim = headDim, window = tokens, softcap } = shape;
  const out = new Float64Array(q.length);
  const rotated = (data: Float32Array, start: number, token: number) =>
    Array.from({ length: headDim }, (_, i) => {
      if (i >= rotaryDim) return data[start + i];
      const other = (i + rotaryDim / 2) % rotaryDim;
      return data[start + i] * cos[token * rotaryDim + i] + data[start + other] * signedSin[token * rotaryDim + i];
    });
  for (let sequence = 0; sequence < sequences; sequence++) {
    for (let head = 0; head < heads; head++) {
      const shared = Math.floor((head * keyValueHeads) / heads);
      const at = (token: number, count: number, which: number) =>
        ((sequence * tokens + token) * count + which) * headDim;
      for (let token = 0; token < (parents?.length ?? tokens); token++) {
        const query = rotated(q, at(token, heads, head), token);
        const seen: number[] = [];
        for (let each = token; each >= 0 && seen.length < window; each = parents?.[each] ?? each - 1) seen.push(each);
        const scores = seen.map((each) => {
          const key = rotated(k, at(each, keyValueHeads, shared), each);
          const score = query.reduce((sum, value, i) => sum + value * key[i], 0) / Math.sqrt(headDim);
          return softcap === undefined ? score : softcap * Math.tanh(score / softcap);
        });
        const largest = Math.max(...scores);
        const shares = scores.map((score) => Math.exp(score - largest));
        const total = shares.reduce((sum, share) => sum + share);
        for (let i = 0; i < headDim; i++) {
          out[at(token, heads, head) + i] =
            seen.reduce((sum, each, n) => sum + shares[n] * v[at(each, keyValueHeads, shared) + i], 0) / total;
        }
      }
    }
  }
  return out;
}

/** Seconds: what it takes whatever there is to do, and for each token (or prediction) besides. */
export interface Line {
  fixed: number;
  perToken: number;
}

/**
 * Tokens after which an evaluation stores scores: to read all weights once more costs some percent of what these take, and a process
 * that is killed loses at most these.
 */
export const PORTION_TOKENS = 2 ** 14;

/** Logits of an evaluation at once: 32 MiB of float32. */
export const LOGITS = 2 ** 23;

/** Seconds for one block by one method, as measured. */
export interface MethodRates {
  /** Of calibration tokens; nothing for methods without data. */
  capture: Line;
  forward: Line;
  solve: number;
  /** Making the stored form of its layers, with checksums, and reading it again. */
  encode: number;
  decode: number;
}

/** What computing with a model takes on one process of this machine, as measured on one block of it. */
export interface ModelRates {
  /** Seconds to read weights; `rest`: a block's without its linears. */
  read: { embedding: number; block: number; rest: number; head: number };
  /** Of calibration tokens: their embedding; their hidden states into their stored form. */
  embed: Line;
  states: Line;
  /** By the method's label. */
  methods: Readonly<Record<string, MethodRates>>;
  /** One block of an evaluation, the last one, and the head by prediction. */
  scoring: { body: Line; last: Line; head: Line };
  /** Bytes of the process when the model is open and nothing is computed yet. */
  processBytes: number;
}

/** What one evaluation has to do for a model, counted with its tokenizer. */
export interface EvaluationWork {
  id: string;
  /** That go through the model: what sequences have in common counts once. */
  tokens: number;
  predictions: number;
  requests: number;
  /** Seconds to ask and to tokenize. */
  prepare: number;
}

export interface MeasuredModel {
  rates: ModelRates;
  evaluations: readonly EvaluationWork[];
  /** Seconds to draw all sets of a source; null where that wasn't tried, since it is large or far. */
  sampling: number | null;
}

export function at({ fixed, perToken }: Line, tokens: number): number {
  return fixed + perToken * tokens;
}

/** Through two measurements; where they make no sense as a line (the clock's noise), in proportion to the larger one. */
export function lineThrough([small, large]: readonly [tokens: number, seconds: number][]): Line {
  const perToken = (large[1] - small[1]) / (large[0] - small[0]);
  const fixed = small[1] - perToken * small[0];
  return Number.isFinite(perToken) && perToken >= 0 && fixed >= 0
    ? { fixed, perToken }
    : { fixed: 0, perToken: large[1] / large[0] };
}

import type { CellCoordinates } from "./results.js";
import type { StudySpec } from "./spec.js";

/** A round of a search: a study of its own, with so many sets of each model and method, and at most `limit` records of each task. */
export interface SearchRound {
  candidates: number;
  limit: number;
  /** One set of each model, and the dense model, on all records before the rounds: they say of which records models are least certain. */
  pilot?: true;
  study: StudySpec;
}

export interface SearchPlan {
  name: string;
  rounds: readonly SearchRound[];
  /** Records of compressed models that are scored, the pilots' too, as a share of those that whole evaluations would score. */
  cost: number;
}

/** The sets of one model and method that were in a round, best first, by their mean accuracy over its records. */
export interface Ranking {
  model: string;
  methodLabel: string;
  /** null: the set has no accuracy, since its cell failed. */
  best: readonly { cell: CellCoordinates; accuracy: number | null }[];
}

/** A round, as people are told of it. */
export interface ToldRound {
  candidates: number;
  limit: number;
  pilot?: true;
  /** Name of its study. */
  study: string;
}

/** The search's answer to the `progress` query. */
export interface SearchProgress {
  phase: "planning" | "running" | "done";
  rounds: readonly ToldRound[];
  cost: number | null;
  /** Index of the round that runs, or ran last; null before the first. */
  round: number | null;
}

export interface SearchSummary {
  name: string;
  rounds: readonly ToldRound[];
  cost: number;
  /** By the last round: all records. */
  found: readonly Ranking[];
}

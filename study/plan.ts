import type { Device } from "./names.js";
import type { CellCoordinates } from "./results.js";
import type { StudySpec } from "./spec.js";

/** What results depend on besides their inputs. Workers of one study must agree on it. */
export interface Environment {
  /** Version of this project's numerics. */
  numerics: number;
  /** Tensor backend and its version. */
  backend: string;
  /** Threads of a product: they decide the order of additions. */
  threads: number;
}

/** A file with what tells whether it is still the same: a digest of its content, or size and time of its last change. */
export interface PlannedFile {
  uri: string;
  version: string;
}

/** What a perplexity is taken of. */
export interface PlannedText extends PlannedFile {
  form: "text" | "tokens" | "rolling";
  /** Tokens a window; null: as many as the model reads. */
  length: number | null;
}

/** Version of what a task's definition brings: no file, and pinned with the definition. */
export const DEFINED = "";

export interface PlannedTask {
  version: number | string;
  records: PlannedFile;
  /** Indexes of the only records that are scored, ascending; left out: all within the limit. */
  only?: readonly number[];
  /** What examples are drawn from, where there are any before the questions; of version `DEFINED`, or a file. */
  examples?: PlannedFile;
  /** Version of the perturbation of its inputs, where there is one. */
  perturbation?: number;
}

export interface PlannedModel {
  digest: string;
  /** The tokenizer's digest. */
  tokenizer: string;
  blocks: number;
  /** All weights, embeddings and head included; absent in plans of earlier versions. */
  parameters?: number;
}

/** The specification with everything it points to pinned by digests or versions. */
export interface StudyPlan {
  spec: StudySpec;
  environment: Environment;
  models: Readonly<Record<string, PlannedModel>>;
  sources: Readonly<Record<string, { files: readonly PlannedFile[] }>>;
  /** By the name in the specification. */
  tasks: Readonly<Record<string, PlannedTask>>;
  perplexity: Readonly<Record<string, PlannedText>>;
}

/** Where a study's objects are; small enough to pass to every activity. */
export interface StudyRef {
  name: string;
  bucket: string;
  prefix: string;
  /** Identity of the plan, which lies in the store. */
  plan: string;
}

/** What the study workflow needs of the plan; the rest stays in the store. */
export interface PlannedStudy {
  study: StudyRef;
  models: readonly { id: string; cells: number }[];
  sources: readonly string[];
  /** Cells that run at a time. */
  window: number;
  /** What the plan's backend computes on. */
  device: Device;
  /** 1 comes first, 5 last. */
  priority: number;
}

export interface EvaluationName {
  kind: "task" | "perplexity";
  id: string;
}

/** The evaluations of every cell, in the specification's order. */
export function evaluationsOf(spec: StudySpec): EvaluationName[] {
  return [
    ...spec.evaluation.perplexity.map(({ id }) => ({ kind: "perplexity" as const, id })),
    ...spec.evaluation.tasks.map((id) => ({ kind: "task" as const, id })),
  ];
}

/** Which of a sweep's cells are asked for: those that are not done, or those that were tried and failed. */
export type CellState = "pending" | "failed";

/** Some cells that a sweep has to do, in the order of `expandCells`, which their indexes are of. */
export interface SweepPage {
  state: CellState;
  /** Cells of the sweep. */
  total: number;
  /** Transformer blocks of the model. */
  blocks: number;
  /** Of every cell. */
  evaluations: readonly EvaluationName[];
  /** By the method's label: all cells; and those found done that no earlier page has counted. */
  methods: Readonly<Record<string, number>>;
  done: Readonly<Record<string, number>>;
  /** Cells of the sweep that are to be left out, wherever they are. */
  skipped: number;
  /** `reopened`: an earlier page has counted it as not needed. */
  cells: readonly { index: number; cell: CellCoordinates; reopened?: true }[];
  /** Index that the next page begins with; null after the last. */
  next: number | null;
  /** By the method's label: cells that no earlier page has counted, and that are not needed since their source's mean is known. */
  notNeeded?: Readonly<Record<string, number>>;
  /** Whether cell `next` is needed is known when cells that run, or are on this page, have ended. */
  waits?: true;
}

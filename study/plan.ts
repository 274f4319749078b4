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

export interface PlannedFile {
  uri: string;
  version: string;
}

/** The specification with everything it points to pinned by digests or versions. */
export interface StudyPlan {
  spec: StudySpec;
  environment: Environment;
  models: Readonly<Record<string, { digest: string; tokenizer: string; blocks: number }>>;
  sources: Readonly<Record<string, { files: readonly PlannedFile[] }>>;
  tasks: Readonly<Record<string, { version: number; records: PlannedFile }>>;
  perplexity: Readonly<Record<string, PlannedFile>>;
}

/** Where a study's objects are; small enough to pass to every activity. */
export interface StudyRef {
  name: string;
  bucket: string;
  prefix: string;
  /** Identity of the plan, which lies in the store. */
  plan: string;
}

export interface CellRef {
  study: StudyRef;
  cell: CellCoordinates;
}

/** What the study workflow needs of the plan; the rest stays in the store. */
export interface PlannedStudy {
  study: StudyRef;
  models: readonly { id: string; blocks: number }[];
}

/** The evaluations of every cell, in the specification's order. */
export function evaluationsOf(spec: StudySpec): { kind: "task" | "perplexity"; id: string }[] {
  return [
    ...spec.evaluation.perplexity.map(({ id }) => ({ kind: "perplexity" as const, id })),
    ...spec.evaluation.tasks.map((id) => ({ kind: "task" as const, id })),
  ];
}

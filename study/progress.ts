/** Of cells. */
export interface Counts {
  total: number;
  done: number;
  failed: number;
}

export interface MethodCounts extends Counts {
  running: number;
  /** Cells that are not computed because their source's mean was known; in studies with `stopping`. */
  notNeeded?: number;
}

export interface SweepCounts extends Counts {
  skipped: number;
  notNeeded?: number;
  /** By the method's label, as of when they were told. */
  methods: Readonly<Record<string, MethodCounts>>;
}

/** The study's answer to the `progress` query. */
export interface StudyProgress extends Counts {
  skipped: number;
  notNeeded?: number;
  phase: "planning" | "running" | "reporting" | "done";
  paused: boolean;
  models: Readonly<Record<string, SweepCounts>>;
  /** Models whose sweep was cancelled; the others go on. */
  cancelled: readonly string[];
  /** Workflow ids of the sweeps that run now. */
  running: readonly string[];
  /** Address of the latest report in the store; null while there is none. */
  report: string | null;
}

/** A sweep's answer to the `progress` query. */
export interface SweepProgress extends SweepCounts {
  model: string;
  phase: "sampling" | "running" | "done";
  paused: boolean;
  /** Workflow ids of the cells that run now. */
  running: readonly string[];
  /**
   * Cells done in this run of the sweep, and when its first started (milliseconds since 1970): the measured rate. A workflow that
   * is asked has no clock of its own, so the seconds are for the reader to count.
   */
  measured: { cells: number; since: number };
}

/** A cell's answer to the `progress` query. */
export interface CellProgress {
  cell: string;
  phase: "embedding" | "compressing" | "evaluating" | "done";
  block: number;
  blocks: number;
  evaluated: number;
  evaluations: number;
  /** What the latest block took, waiting included; null before the first. */
  blockSeconds: number | null;
}

/** What a study that is complete returns. */
export interface StudySummary {
  name: string;
  cells: number;
  failed: number;
  skipped: number;
  notNeeded?: number;
  /** Address of the HTML page in the store. */
  report: string;
  /** The headline table, for a terminal. */
  summary: string;
}

/** What a program sees of a study: its own progress, and that of what runs below it now. */
export interface StudyView extends Omit<StudyProgress, "phase"> {
  /** `waiting`: no worker answers, and counts are what the study has told last. */
  phase: StudyProgress["phase"] | "waiting" | "failed" | "cancelled" | "terminated" | "timed out";
  ended: boolean;
  /** Why it ended before it was done. */
  cause: string | null;
  cells: readonly CellProgress[];
  /** When this run of it began (ISO 8601). */
  started?: string;
  /** By the rate measured so far; null while there is none. */
  secondsLeft: number | null;
}

/** A step of a cell that a worker has in hand, or that waits for one. */
export interface PendingStep {
  step: string;
  /** The worker that has it; null while none has. */
  worker: string | null;
  attempt: number;
  /** What its latest heartbeat said. */
  stage: string | null;
  /** Why the attempt before this one failed. */
  failure: string | null;
}

/** Who works for a queue, by the identities that workers give themselves, and how much waits there. */
export interface QueueView {
  queue: string;
  workers: readonly string[];
  waiting: number;
}

/** What an operator sees of a study. */
export interface StudyOverview extends StudyView {
  /** Of the study and its sweeps: planning, drawing sets, reports. */
  steps: readonly PendingStep[];
  cells: readonly (CellProgress & { steps: readonly PendingStep[] })[];
  /** The cells that failed last, and have not been tried again. */
  failures: readonly { cell: string; cause: string }[];
  queues: readonly QueueView[];
}

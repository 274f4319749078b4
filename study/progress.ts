/** The `progress` query of every workflow type answers with one of these. */
export interface StudyProgress {
  phase: "planning" | "running" | "reporting" | "done";
  paused: boolean;
  total: number;
  done: number;
  failed: number;
  models: Readonly<Record<string, SweepCounts>>;
}

export interface SweepCounts {
  total: number;
  done: number;
  failed: number;
}

export interface SweepProgress extends SweepCounts {
  phase: "sampling" | "running" | "done";
  paused: boolean;
  /** Workflow ids of the cells that run now. */
  running: readonly string[];
  /** Cells done in this run of the sweep, and the seconds it took: the measured rate. */
  measured: { cells: number; seconds: number };
}

export interface CellProgress {
  cell: string;
  phase: "embedding" | "compressing" | "evaluating" | "done";
  block: number;
  blocks: number;
  evaluated: number;
  evaluations: number;
}

export interface StudySummary {
  name: string;
  cells: number;
  failed: number;
  /** Address of the HTML page in the store. */
  report: string;
  /** Table for the terminal. */
  summary: string;
}

import type { Client } from "@temporalio/client";
import { connectTemporal } from "../../client/temporal-client.js";
import { Touchstone } from "../../client/touchstone.js";
import { openStore } from "../../storage/store.js";
import { expandCells } from "../../study/cells.js";
import { parseStudySpec, type StudySpecInput } from "../../study/spec.js";
import { REPEATED } from "./steps.js";

export interface RehearsedStudy {
  cells: number;
  /** From its start to its end. */
  seconds: number;
  /** Cells that are committed, and those that were committed once more. */
  committed: number;
  repeated: number;
  /** By the workflow's type. */
  histories: Readonly<Record<string, HistoryFigures>>;
}

interface HistoryFigures {
  runs: number;
  /** Of the longest run. */
  events: number;
  bytes: number;
}

/** Four methods: as many cells as are asked for, or a few more. */
export function rehearsalSpec(name: string, cells: number, blocks: number, window: number): StudySpecInput {
  const bits = [2, 3, 4, 8] as const;
  return {
    name,
    // The stand-ins read the number of blocks from here.
    models: [{ id: "model", path: String(blocks) }],
    sources: [{ id: "source", path: "none" }],
    methods: bits.map((each) => ({ method: "rtn", bits: each })),
    calibration: { sizes: [1], length: 2, sets: Math.max(1, Math.ceil((cells - 1) / bits.length)) },
    evaluation: { perplexity: [{ id: "text", path: "none.txt" }] },
    checkpoints: { bucket: process.env.TOUCHSTONE_BUCKET ?? "", prefix: name },
    concurrency: { cells: window },
  };
}

/** Runs a study on the workers that there are, and measures it. @throws TouchstoneError as the study fails */
export async function rehearseStudy(
  input: StudySpecInput,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<RehearsedStudy> {
  const touchstone = await Touchstone.connect();
  const client = await connectTemporal();
  try {
    const cells = expandCells(parseStudySpec(input), "model").length;
    const started = performance.now();
    const study = await touchstone.start(input);
    // The server's own count: a query would be answered by the workers, whose work is measured.
    const query = `TouchstoneStudy = "${input.name}" AND WorkflowType = "cell" AND ExecutionStatus = "Completed"`;
    const timer = setInterval(() => {
      client.workflow.count(query).then(
        ({ count }) => onProgress(count, cells),
        () => {},
      );
    }, 10_000);
    await study.result().finally(() => clearInterval(timer));
    const seconds = (performance.now() - started) / 1000;
    const store = openStore({ bucket: process.env.TOUCHSTONE_BUCKET ?? "", prefix: input.name });
    const [committed, repeated] = await Promise.all([store.list("v1/cell/"), store.list(`${REPEATED}cell/`)]);
    return {
      ...{ cells, seconds, committed: committed.length, repeated: repeated.length },
      histories: await measureHistories(client, input.name),
    };
  } finally {
    await touchstone.close();
    await client.connection.close();
  }
}

/** Of all runs of a study's workflows. */
async function measureHistories(client: Client, study: string): Promise<Record<string, HistoryFigures>> {
  const figures: Record<string, HistoryFigures> = {};
  for await (const run of client.workflow.list({ query: `TouchstoneStudy = "${study}"`, pageSize: 1000 })) {
    const { runs, events, bytes } = figures[run.type] ?? { runs: 0, events: 0, bytes: 0 };
    figures[run.type] = {
      runs: runs + 1,
      events: Math.max(events, run.historyLength),
      bytes: Math.max(bytes, run.historySize ?? 0),
    };
  }
  return figures;
}

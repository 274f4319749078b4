import { writeFileSync } from "node:fs";
import type { Request, Response } from "../../workers/protocol.js";

/** Stands in for a compute process: its steps do what their input says. */
export interface FakeStep {
  act: "answer" | "wait" | "report" | "fail" | "die" | "sign";
  /** Written when the process is told to leave. */
  mark?: string;
  /** Bytes that it says to take. */
  memory?: number;
}

const marks: string[] = [];
const waiting = new Set<number>();
let memory = 0;

process.on("disconnect", () => process.exit(0));
process.on("message", (request: Request) => {
  if (request.kind === "leave") {
    for (const mark of marks) writeFileSync(mark, String(process.pid));
    return send({ kind: "left" });
  }
  const { id } = request;
  if (request.kind === "abort") {
    if (waiting.delete(id)) send({ kind: "failed", id, failure: { message: "aborted" }, memory });
    return;
  }
  const { act, mark } = request.input as FakeStep;
  memory = (request.input as FakeStep).memory ?? memory;
  if (mark !== undefined) marks.push(mark);
  if (act === "die") process.stderr.write("last words\n", () => process.kill(process.pid, "SIGKILL"));
  else if (act === "wait") waiting.add(id);
  else if (act === "fail") {
    const problem = { what: "the weight has NaN values" };
    send({ kind: "failed", id, failure: { type: "NumericalError", problem, message: problem.what }, memory });
  } else {
    if (act === "sign") send({ kind: "waiting" });
    if (act === "report") {
      send({ kind: "progress", id, progress: { stage: "compressing", done: 1, total: 2 } });
      const measurement = { value: 1, tags: {} };
      send({ kind: "measured", measurement: { ...measurement, name: "touchstone_blocks" } });
      send({ kind: "measured", measurement: { ...measurement, name: "touchstone_process_memory_bytes" } });
    }
    send({ kind: "done", id, result: process.pid, memory });
  }
});
send({ kind: "ready", backend: "wasm" });

function send(response: Response): void {
  process.send?.(response);
}

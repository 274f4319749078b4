import { formatDuration } from "../../infra/progress.js";
import type {
  CellProgress,
  Counts,
  MethodCounts,
  PendingStep,
  QueueView,
  StudyOverview,
  StudyView,
} from "../../study/progress.js";
import { renderTable } from "./output.js";

/** The operator's page of a study: counts by model and method, what runs, what failed, who works. Without colours. */
export function renderOverview(name: string, overview: StudyOverview): string {
  const parts = [
    renderHead(name, overview),
    renderCounts(overview.models),
    renderRunning(overview),
    renderFailures(overview),
    renderQueues(overview.queues),
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

/** One line: how far, and how long still. */
export function renderHead(name: string, view: StudyView): string {
  const { phase, paused, total, done, failed, skipped, notNeeded = 0, secondsLeft } = view;
  const parts = [
    `${name}: ${paused ? "paused" : phase}`,
    `${done} of ${total} cells`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
    ...(notNeeded > 0 ? [`${notNeeded} not needed`] : []),
    ...(phase === "waiting" ? ["no worker answers"] : []),
    ...(secondsLeft === null || phase !== "running" ? [] : [`about ${formatDuration(secondsLeft)} left`]),
  ];
  return parts.join(", ");
}

function renderCounts(models: StudyOverview["models"]): string {
  const labels = [...new Set(Object.values(models).flatMap(({ methods }) => Object.keys(methods)))];
  const rows = Object.entries(models).map(([id, counts]) => {
    const { methods } = counts;
    return [
      id,
      counted(counts),
      ...labels.map((label) => (methods[label] === undefined ? "" : counted(methods[label]))),
    ];
  });
  return rows.length === 0 ? "" : renderTable(["model", "all", ...labels], rows);
}

/** `12/50`, and behind it what runs (`+2`), what failed (`1 failed`) and what isn't needed. */
function counted({ total, done, failed, running = 0, notNeeded = 0 }: Counts & Partial<MethodCounts>): string {
  const more = [
    ...(running > 0 ? [`+${running}`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(notNeeded > 0 ? [`${notNeeded} not needed`] : []),
  ];
  return [`${done}/${total}`, ...more].join(" ");
}

function renderRunning({ steps, cells }: StudyOverview): string {
  const ofStudy = steps.map((step) => [step.step, "", "", ...stepColumns(step)]);
  const ofCells = cells.flatMap((cell) => {
    const [first, ...others] = cell.steps;
    const lines = [[cell.cell, position(cell), rate(cell), ...stepColumns(first)]];
    return [...lines, ...others.map((step) => ["", "", "", ...stepColumns(step)])];
  });
  const rows = [...ofStudy, ...ofCells];
  return rows.length === 0 ? "" : renderTable(["running", "at", "rate", "worker", "step"], rows);
}

function position({ phase, block, blocks, evaluated, evaluations }: CellProgress): string {
  if (phase === "compressing") return `block ${Math.min(block + 1, blocks)}/${blocks}`;
  return phase === "evaluating" ? `evaluated ${evaluated}/${evaluations}` : phase;
}

function rate({ phase, blockSeconds }: CellProgress): string {
  return blockSeconds === null || phase !== "compressing" ? "" : `${formatDuration(blockSeconds)}/block`;
}

/** The worker, and what it does; the longest comes last, where a narrow terminal may cut it off. */
function stepColumns(step: PendingStep | undefined): [string, string] {
  if (step === undefined) return ["", ""];
  const { stage, attempt, failure, worker } = step;
  const before = failure === null ? "" : ` (before: ${failure.split("\n")[0]})`;
  const again = attempt === 1 ? "" : `attempt ${attempt}${before}: `;
  return [worker === null ? "waits for one" : shortWorker(worker), `${again}${stage ?? step.step}`];
}

function renderFailures({ failures, failed }: StudyOverview): string {
  if (failures.length === 0) return "";
  const rest = failed > failures.length ? [`(${failed - failures.length} more: touchstone study report)`] : [];
  return ["failed", ...failures.map(({ cell, cause }) => `${cell}  ${cause.split("\n")[0]}`), ...rest].join("\n");
}

function renderQueues(queues: readonly QueueView[]): string {
  const rows = queues.map(({ queue, workers, waiting }) => {
    return [queue, String(waiting), workers.length === 0 ? "no worker" : workers.map(shortWorker).join(", ")];
  });
  return renderTable(["queue", "waiting", "workers"], rows, [1]);
}

/** The queue's name says itself what a worker does. */
function shortWorker(identity: string): string {
  return identity.slice(identity.indexOf("@") + 1);
}

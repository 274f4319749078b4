import { formatDuration } from "../../infra/progress.js";
import type { StudyForecast } from "../../study/forecast.js";
import type { StudyView } from "../../study/progress.js";
import type { Forecast } from "../forecast/forecast.js";
import { formatCount, renderTable } from "./output.js";

/** What a study would take on this machine, model by model. */
export function renderForecast({ workers, money, models, ...all }: Forecast): string {
  const { slots, threads } = workers;
  const head = ["model", "sets", "compressing", "evaluating", "memory", "kept", "read", "written"];
  const bytes = (figure: number) => `${formatCount(figure)}B`;
  const rows = models.map(({ model, seconds, memory, kept, traffic }) => [
    model,
    seconds.sampling === null ? "?" : formatDuration(seconds.sampling),
    ...[seconds.compress, seconds.evaluate].map(formatDuration),
    ...[memory, kept, traffic.read, traffic.written].map(bytes),
  ]);
  const processes = `${slots} compute ${slots === 1 ? "process" : "processes"} of ${threads} ${threads === 1 ? "thread" : "threads"}`;
  return [
    `On this machine, with ${processes}, as measured on one block of each model:`,
    "",
    renderTable(head, rows, [1, 2, 3, 4, 5, 6, 7]),
    "",
    `${formatDuration(all.seconds)} in all, ${bytes(all.memory)} of memory a process, ${bytes(all.kept)} kept in the store${money === null ? "" : `, costs ${money.toFixed(2)}`}`,
    ...(models.some(({ seconds }) => seconds.sampling === null) ? [LARGE_SOURCES] : []),
    TIMES,
  ].join("\n");
}

const LARGE_SOURCES = "  ?: sources are large or far; reading them comes on top";
const TIMES =
  "  times by model are of one process, and the processes' times added up; another program's work, waiting for the store and Temporal's own work come on top";

/** One line of a study that runs: what was forecast for what is done, and how long it has run. */
export function renderAgainstForecast(
  { seconds }: Pick<StudyForecast, "seconds">,
  { done, total, started, ended }: StudyView,
  now = Date.now(),
): string {
  const share = total === 0 ? 0 : done / total;
  const since =
    started === undefined || ended ? "" : `; this run began ${formatDuration((now - Date.parse(started)) / 1000)} ago`;
  return `forecast: ${formatDuration(seconds)} for all ${total} cells, ${formatDuration(share * seconds)} for the ${done} that are done${since}`;
}

import { setTimeout as sleep } from "node:timers/promises";
import { TouchstoneError } from "../../study/errors.js";
import type { CellProgress, StudyOverview, StudyView } from "../../study/progress.js";
import type { Forecast } from "../forecast/forecast.js";
import type { StudyHandle } from "../study-handle.js";
import { openScreen } from "./screen.js";
import { renderAgainstForecast } from "./study-forecast.js";
import { renderHead, renderOverview } from "./study-table.js";

const LOOK_EVERY_MS = 2000;
const LINE_EVERY_MS = 10_000;

export interface Display {
  show(overview: StudyOverview): void;
  /** Why nothing new can be shown. */
  note(problem: string): void;
  end(): void;
}

/** Shows a study's progress on standard error until it ends: a live table on a terminal, else a line every ten seconds. */
export async function showProgress(study: StudyHandle, stream: NodeJS.WriteStream = process.stderr): Promise<void> {
  // A study is watched without it too: what is wrong with the server is said by what follows.
  const forecast = await study.forecast().catch(() => undefined);
  return watchStudy(study, stream.isTTY ? table(stream, study.name, forecast) : lines(stream, study.name));
}

/** One JSON document a line, whenever something has changed. */
export function showJson(study: StudyHandle, stream: NodeJS.WritableStream = process.stdout): Promise<void> {
  let last = "";
  const show = (overview: StudyOverview) => {
    const document = JSON.stringify({ name: study.name, ...overview });
    // The estimate alone is no change: it moves with the clock.
    const facts = JSON.stringify({ ...overview, secondsLeft: null });
    if (facts !== last) stream.write(`${document}\n`);
    last = facts;
  };
  const note = (problem: string) => process.stderr.write(`${problem}\n`);
  return watchStudy(study, { show, note, end: () => {} });
}

/** Goes on through outages of the server and of the workers: a study outlives them. */
async function watchStudy(study: StudyHandle, display: Display): Promise<void> {
  try {
    for (let isOver = false; !isOver; ) {
      try {
        isOver = !(await study.isRunning());
        display.show(await study.overview());
      } catch (error) {
        const isAway = error instanceof TouchstoneError && error.type === "ServiceUnavailable";
        if (!isAway || isOver) throw error;
        display.note(error.message);
      }
      if (!isOver) await sleep(LOOK_EVERY_MS);
    }
  } finally {
    display.end();
  }
}

function table(stream: NodeJS.WriteStream, name: string, forecast: Forecast | undefined): Display {
  const screen = openScreen(stream);
  let last = `${name}: starting`;
  screen.draw(last);
  return {
    show: (overview) => {
      const expected = forecast === undefined ? [] : [renderAgainstForecast(forecast, overview)];
      last = [renderOverview(name, overview), ...expected].join("\n\n");
      screen.draw(last);
    },
    note: (problem) => screen.draw(`${last}\n\n${problem}`),
    end: () => screen.end(),
  };
}

function lines(stream: NodeJS.WriteStream, name: string): Display {
  let shown = Number.NEGATIVE_INFINITY;
  let waiting: string | undefined;
  const write = (line: string) => {
    waiting = line;
    if (performance.now() - shown >= LINE_EVERY_MS) flush();
  };
  const flush = () => {
    if (waiting !== undefined) stream.write(`${waiting}\n`);
    waiting = undefined;
    shown = performance.now();
  };
  return {
    show: (overview) => {
      const running = overview.cells.map(renderCell).join(" | ");
      const head = renderHead(name, overview);
      write(running === "" ? head : `${head}, ${running}`);
    },
    note: (problem) => write(`${name}: ${problem}`),
    end: flush,
  };
}

/** Where a study stands, as its workflows say. */
export function renderView(name: string, view: StudyView): string {
  const models = Object.entries(view.models).map(
    ([id, { done, total, failed, notNeeded = 0 }]) =>
      `  ${id}: ${done} of ${total} cells${failed > 0 ? `, ${failed} failed` : ""}${notNeeded > 0 ? `, ${notNeeded} not needed` : ""}${view.cancelled.includes(id) ? ", cancelled" : ""}`,
  );
  return [
    renderHead(name, view),
    ...(view.cause === null ? [] : [`  ${view.cause}`]),
    ...models,
    ...view.cells.map((cell) => `  ${renderCell(cell)}`),
  ].join("\n");
}

function renderCell({ cell, phase, block, blocks, evaluated, evaluations }: CellProgress): string {
  const short = cell.slice(cell.indexOf("/") + 1);
  if (phase === "compressing") return `${short} block ${Math.min(block + 1, blocks)}/${blocks}`;
  return phase === "evaluating"
    ? `${short} evaluation ${Math.min(evaluated + 1, evaluations)}/${evaluations}`
    : `${short} ${phase}`;
}

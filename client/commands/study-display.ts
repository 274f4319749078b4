import { SingleBar } from "cli-progress";
import { formatSeconds } from "../../infra/progress.js";
import type { CellProgress, StudyView } from "../../study/progress.js";
import type { StudyHandle } from "../study-handle.js";

const LINE_EVERY_MS = 10_000;

/** Shows a study's progress on standard error until it ends: a bar on a terminal, else a line every ten seconds. */
export async function showProgress(study: StudyHandle, stream: NodeJS.WriteStream = process.stderr): Promise<void> {
  const draw = stream.isTTY ? bar(stream, study.name) : lines(stream, study.name);
  try {
    for await (const view of study.watch()) draw.show(view);
  } finally {
    draw.end();
  }
}

interface Display {
  show(view: StudyView): void;
  end(): void;
}

function bar(stream: NodeJS.WriteStream, name: string): Display {
  let text = `${name}: starting`;
  const line = new SingleBar({ stream, clearOnComplete: false, hideCursor: true, linewrap: false, format: () => text });
  line.start(1, 0);
  return {
    show: (view) => {
      text = renderLine(name, view, (stream.columns ?? 100) - 1);
      line.updateETA();
      line.render();
    },
    end: () => line.stop(),
  };
}

function lines(stream: NodeJS.WriteStream, name: string): Display {
  let last = "";
  let shown = 0;
  const write = (line: string) => {
    stream.write(`${line}\n`);
    shown = Date.now();
  };
  return {
    show: (view) => {
      last = renderLine(name, view);
      const isOver = view.phase === "done";
      if (isOver || Date.now() - shown >= LINE_EVERY_MS) write(last);
    },
    end: () => {},
  };
}

/** One line: how far, how long still, and what runs. */
export function renderLine(name: string, view: StudyView, width = Number.POSITIVE_INFINITY): string {
  const { phase, paused, done, total, failed, secondsLeft, cells } = view;
  const parts = [
    `${name}: ${paused ? "paused" : phase}`,
    `${done} of ${total} cells`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(secondsLeft === null || phase !== "running" ? [] : [`about ${formatSeconds(secondsLeft)} left`]),
    ...(cells.length === 0 ? [] : [cells.map(renderCell).join(" | ")]),
  ];
  const line = parts.join(", ");
  return line.length > width ? `${line.slice(0, width - 1)}…` : line;
}

export function renderView(name: string, view: StudyView): string {
  const models = Object.entries(view.models).map(
    ([id, { done, total, failed }]) => `  ${id}: ${done} of ${total} cells${failed > 0 ? `, ${failed} failed` : ""}`,
  );
  return [
    renderLine(name, { ...view, cells: [] }),
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

import type { CellProgress, Counts, MethodCounts, SweepCounts } from "../study/progress.js";
import type { SearchProgress } from "../study/search.js";

// What the Temporal UI shows as a workflow's current details, in Markdown.

/** Models x methods: done of all, and what failed or runs. */
export function studyDetails(
  state: string,
  totals: Counts,
  models: Readonly<Record<string, SweepCounts>>,
  cancelled: readonly string[],
): string {
  const labels = [...new Set(Object.values(models).flatMap(({ methods }) => Object.keys(methods)))];
  const head = ["model", "all", ...labels];
  const rows = Object.entries(models).map(([id, counts]) => {
    const { methods } = counts;
    return [
      cancelled.includes(id) ? `${id} (cancelled)` : id,
      counted(counts),
      ...labels.map((label) => (methods[label] === undefined ? "" : counted(methods[label]))),
    ];
  });
  return [`**${state}**: ${counted(totals)} cells done`, "", ...markdownTable([head, ...rows])].join("\n");
}

export function sweepDetails(state: string, counts: SweepCounts, lastFailure: string | undefined): string {
  const rows = Object.entries(counts.methods).map(([label, each]) => [label, counted(each)]);
  const failure = lastFailure === undefined ? [] : ["", `Failed last: ${lastFailure}`];
  const table = markdownTable([["method", "cells done"], ...rows]);
  return [`**${state}**: ${counted(counts)} cells done`, "", ...table, ...failure].join("\n");
}

export function searchDetails({ phase, rounds, round }: SearchProgress): string {
  const rows = rounds.map(({ study, candidates, limit }, i) => [
    i === round && phase === "running" ? `**${study}**` : study,
    `${candidates}`,
    `${limit}`,
  ]);
  const at = round === null ? "" : `, round ${round + 1} of ${rounds.length}`;
  return [`**${phase}**${at}`, "", ...markdownTable([["study", "sets", "records a task"], ...rows])].join("\n");
}

export function cellDetails({ phase, block, blocks, evaluated, evaluations, blockSeconds }: CellProgress): string {
  const rate = blockSeconds === null ? "" : `, the latest in ${blockSeconds.toFixed(1)} s`;
  return `**${phase}**: ${block} of ${blocks} blocks${rate}; ${evaluated} of ${evaluations} evaluations`;
}

function counted({
  total,
  done,
  failed,
  running = 0,
  skipped = 0,
  notNeeded = 0,
}: Counts & Partial<MethodCounts & SweepCounts>): string {
  const lost = failed === 0 ? "" : `, **${failed} failed**`;
  const left = skipped === 0 ? "" : `, ${skipped} skipped`;
  const spared = notNeeded === 0 ? "" : `, ${notNeeded} not needed`;
  return `${done} of ${total}${running === 0 ? "" : `, ${running} running`}${lost}${left}${spared}`;
}

function markdownTable([head, ...rows]: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)];
}

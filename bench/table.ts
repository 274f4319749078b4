import { renderTable } from "../client/commands/output.js";

/** Rows of figures for people: every column but the first is to the right. */
export interface BenchTable {
  head: readonly string[];
  rows: readonly (readonly string[])[];
  notes?: readonly string[];
}

export function renderBenchTable(title: string, { head, rows, notes = [] }: BenchTable): string {
  const figures = head.map((_, i) => i).slice(1);
  const lines = [`# ${title}`, "", renderTable(head, rows, figures), ...notes.map((note) => `  ${note}`), ""];
  return `${lines.join("\n")}\n`;
}

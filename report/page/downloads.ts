/// <reference lib="dom" />
// Each table as CSV and LaTeX beside its Parquet: made here of the table itself, whose entries hold their figures in full.

interface Entry {
  /** What is shown. */
  text: string;
  /** Figures in full by name, or the text. */
  values: [key: string, value: string][];
}

type Line = { heading: string } | { group: string; entries: Entry[] };

function linesOf(table: HTMLTableElement): Line[] {
  const lines: Line[] = [];
  for (const body of table.tBodies) {
    let group = "";
    for (const row of body.rows) {
      const cells = [...row.cells];
      if (cells.every((cell) => cell.colSpan === 1)) lines.push({ group, entries: cells.map(entryOf) });
      else if (cells.length === 1) {
        group = textOf(cells[0]);
        lines.push({ heading: group });
      }
    }
  }
  return lines;
}

function entryOf(cell: HTMLTableCellElement): Entry {
  const text = textOf(cell);
  const figures = Object.entries(cell.dataset).map(([key, value]): [string, string] => [key, value ?? ""]);
  const isMissing = text === "" || text === "–";
  return { text, values: figures.length > 0 ? figures : isMissing ? [] : [["value", text]] };
}

function textOf(cell: Element): string {
  return (cell.textContent ?? "").replace(/\s+/g, " ").trim();
}

function namesOf(table: HTMLTableElement): string[] {
  return [...(table.tHead?.rows[0].cells ?? [])].map((cell) => cell.dataset.name ?? "");
}

function csvOf(table: HTMLTableElement): string {
  const rows = linesOf(table).flatMap((line) => ("heading" in line ? [] : [line]));
  const isGrouped = rows.some(({ group }) => group !== "");
  const columns = namesOf(table).flatMap((name, i) => {
    const keys = new Set(rows.flatMap(({ entries }) => entries[i].values.map(([key]) => key)));
    return [...keys].map((key) => ({ i, key, name: key === "value" ? name : `${name} ${key}` }));
  });
  const head = [...(isGrouped ? ["group"] : []), ...columns.map(({ name }) => name)];
  const lines = rows.map(({ group, entries }) => [
    ...(isGrouped ? [group] : []),
    ...columns.map(({ i, key }) => entries[i].values.find(([name]) => name === key)?.[1] ?? ""),
  ]);
  const quoted = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return [head, ...lines].map((line) => `${line.map(quoted).join(",")}\n`).join("");
}

const LATEX: Readonly<Record<string, string>> = {
  "\\": "\\textbackslash{}",
  "~": "\\textasciitilde{}",
  "^": "\\textasciicircum{}",
  "±": "$\\pm$",
  "−": "$-$",
  "–": "--",
  "…": "\\ldots{}",
  "×": "$\\times$",
  "·": "$\\cdot$",
  "†": "$\\dagger$",
  "<": "$<$",
  ">": "$>$",
};

function latex(text: string): string {
  return text.replace(/[\\&%$#_{}~^±−–…×·†<>]/g, (character) => LATEX[character] ?? `\\${character}`);
}

/** A booktabs table of what is shown; the figures in full stand behind each row as a comment. */
function latexOf(table: HTMLTableElement, title: string): string {
  const names = namesOf(table);
  const lines = linesOf(table);
  const entriesOf = (i: number) => lines.flatMap((line) => ("heading" in line ? [] : line.entries[i].values));
  const isText = (i: number) => entriesOf(i).some(([, value]) => !/^[-−]?(\d|inf|nan)/.test(value));
  const body = lines.map((line) => {
    if ("heading" in line)
      return `\\addlinespace\n\\multicolumn{${names.length}}{l}{\\textit{${latex(line.heading)}}} \\\\`;
    const full = line.entries.flatMap(({ text, values }) =>
      values.flatMap(([, value]) => (value === text ? [] : [value])),
    );
    const comment = full.length > 0 ? ` % ${full.join(" ")}` : "";
    return `${line.entries.map(({ text }) => latex(text)).join(" & ")} \\\\${comment}`;
  });
  return `% ${title.replace(/\s+/g, " ")}\n% \\usepackage{booktabs}\n\\begin{tabular}{${names.map((_, i) => (isText(i) ? "l" : "r")).join("")}}
\\toprule
${[...(table.tHead?.rows[0].cells ?? [])].map(headOf).join(" & ")} \\\\
\\midrule
${body.join("\n")}
\\bottomrule
\\end{tabular}
`;
}

function headOf(cell: HTMLTableCellElement): string {
  const unit = cell.querySelector("small")?.textContent ?? "";
  if (cell.tagName === "TD") return "";
  return latex(`${cell.dataset.name} ${unit === "%" ? unit : unit && `(${unit})`}`.trim());
}

function save(name: string, text: string, type: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

document.addEventListener("DOMContentLoaded", () => {
  for (const place of document.querySelectorAll<HTMLElement>(".downloads")) {
    const table = place.parentElement?.querySelector("table");
    const parquet = place.querySelector("a");
    if (!table || !parquet) continue;
    const title = textOf(table.caption ?? table);
    const name = parquet.download.replace(/\.parquet$/, "");
    const add = (label: string, make: () => void) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = label;
      button.addEventListener("click", make);
      place.insertBefore(button, parquet);
    };
    add("CSV", () => save(`${name}.csv`, csvOf(table), "text/csv"));
    add("LaTeX", () => save(`${name}.tex`, latexOf(table, title), "text/x-tex"));
  }
});

export {};

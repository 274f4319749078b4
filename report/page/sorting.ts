/// <reference lib="dom" />
// A button in each heading sorts: up, down, and back to the report's order. Groups, sums and ranges keep their places; the
// list of all cells is sorted through, without its groups.

const FIXED = ".group, .total, .range, .pending";
const ORDERS = ["ascending", "descending", "none"] as const;
type Order = (typeof ORDERS)[number];

const collator = new Intl.Collator("en", { numeric: true });

/** A number where the entry has one; undefined where nothing is there, which comes last in both orders. */
function sortKey(row: HTMLTableRowElement, column: number): number | string | undefined {
  const cell = row.cells[column];
  const { value, mean, min } = cell.dataset;
  const text = value ?? mean ?? min ?? cell.textContent?.trim() ?? "";
  if (text === "" || text === "–" || text === "nan") return undefined;
  const number = Number(text.replace("−", "-").replace(/^(-?)inf$/, "$1Infinity"));
  return Number.isNaN(number) ? text : number;
}

function compare(a: number | string | undefined, b: number | string | undefined, sign: number): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  if (typeof a === "number" && typeof b === "number") return sign * (a - b);
  return sign * collator.compare(String(a), String(b));
}

function isFixed(row: HTMLTableRowElement): boolean {
  return row.matches(FIXED) || row.querySelector("[colspan]") !== null;
}

function makeSortable(table: HTMLTableElement): void {
  const bodies = [...table.tBodies].map((body) => ({ body, rows: [...body.rows] }));
  const isList = table.closest("#cells") !== null;
  const sortable = (isList ? [bodies.flatMap(({ rows }) => rows)] : bodies.map(({ rows }) => rows)).map((rows) =>
    rows.filter((row) => !isFixed(row)),
  );
  if (!sortable.some((rows) => rows.length > 1)) return;
  const through = document.createElement("tbody");

  function reset(): void {
    through.remove();
    for (const { body, rows } of bodies) body.append(...rows);
    table.classList.remove("through");
  }

  function sort(column: number, order: Order): void {
    reset();
    if (order === "none") return;
    const sign = order === "ascending" ? 1 : -1;
    for (const rows of sortable) {
      const keyed = rows.map((row) => ({ row, key: sortKey(row, column) }));
      keyed.sort((a, b) => compare(a.key, b.key, sign));
      const sorted = keyed.map(({ row }) => row);
      if (isList) through.append(...sorted);
      else for (const row of sorted) rows[0].parentElement?.insertBefore(row, firstAfter(rows));
    }
    if (!isList) return;
    table.append(through);
    table.classList.add("through");
  }

  const heads = [...table.querySelectorAll<HTMLTableCellElement>("thead th")];
  for (const head of heads) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...head.childNodes);
    head.append(button);
    head.ariaSort = "none";
    button.addEventListener("click", () => {
      const order = ORDERS[(ORDERS.indexOf((head.ariaSort ?? "none") as Order) + 1) % ORDERS.length];
      for (const each of heads) each.ariaSort = "none";
      head.ariaSort = order;
      sort(head.cellIndex, order);
    });
  }
}

/** What stands behind the rows that are sorted, such as their sum. */
function firstAfter(rows: readonly HTMLTableRowElement[]): Element | null {
  let next = rows[rows.length - 1].nextElementSibling;
  while (next !== null && rows.includes(next as HTMLTableRowElement)) next = next.nextElementSibling;
  return next;
}

document.addEventListener("DOMContentLoaded", () => {
  for (const table of document.querySelectorAll<HTMLTableElement>(".table table")) makeSortable(table);
});

export {};

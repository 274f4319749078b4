/// <reference lib="dom" />
// A filter above long tables; and links to cells, which show the cells that they are about.

const LONG = 20;

function makeFilter(table: HTMLTableElement): void {
  const bodies = [...table.tBodies];
  // Sorting moves rows: their groups are those of the beginning.
  const rows = bodies.flatMap((body) =>
    [...body.rows].map((row) => ({ row, groups: [body.id, body.dataset.method ?? ""] })),
  );
  const ordinary = rows.filter(({ row }) => !row.matches(".group"));
  const isList = table.closest("#cells") !== null;
  if (ordinary.length <= LONG && !isList) return;
  const box = document.createElement("div");
  box.className = "filter";
  const label = document.createElement("label");
  label.textContent = "Filter rows ";
  const input = document.createElement("input");
  input.type = "search";
  label.append(input);
  const status = document.createElement("span");
  status.role = "status";
  const all = document.createElement("button");
  all.type = "button";
  all.textContent = "Show all";
  box.append(label, status, all);
  table.closest(".table")?.prepend(box);
  let target = "";

  function show(): void {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    const filled = new Set<string>();
    for (const { row, groups } of ordinary) {
      const text = words.length === 0 ? "" : (row.textContent ?? "").toLowerCase();
      const isShown = (target === "" || groups.includes(target)) && words.every((word) => text.includes(word));
      row.hidden = !isShown;
      if (!isShown) continue;
      shown += 1;
      for (const group of groups) filled.add(group);
    }
    for (const { row, groups } of rows)
      if (row.matches(".group")) row.hidden = !groups.some((group) => filled.has(group));
    const isFiltered = shown < ordinary.length;
    all.hidden = !isFiltered;
    status.textContent = isFiltered
      ? `${shown.toLocaleString("en")} of ${ordinary.length.toLocaleString("en")} rows`
      : "";
  }

  /** A cell is shown among those of its group. */
  function follow(): void {
    const id = location.hash.slice(1);
    const place = id === "" ? null : document.getElementById(id);
    if (place === null || !table.contains(place)) return;
    const found = rows.find(({ row, groups }) => row === place || groups.includes(id));
    if (found === undefined) return;
    target = found.row === place ? found.groups[0] || found.groups[1] : id;
    input.value = "";
    show();
    const first = found.row === place ? found.row : rows.find(({ row }) => !row.hidden)?.row;
    first?.scrollIntoView({ block: "center" });
    const region = table.closest<HTMLElement>(".scroll");
    region?.focus({ preventScroll: true });
  }

  input.addEventListener("input", show);
  all.addEventListener("click", () => {
    target = "";
    input.value = "";
    show();
    input.focus();
  });
  if (isList) {
    addEventListener("hashchange", follow);
    // A second time to the same place changes no hash.
    document.addEventListener("click", ({ target: clicked }) => {
      const link = clicked instanceof Element ? clicked.closest("a") : null;
      if (link?.getAttribute("href") === location.hash && location.hash !== "") follow();
    });
  }
  show();
  if (isList) follow();
}

document.addEventListener("DOMContentLoaded", () => {
  for (const table of document.querySelectorAll<HTMLTableElement>(".table table")) makeFilter(table);
});

export {};

import { Markup } from "./markup.js";
import { MISSING } from "./numbers.js";

/** A table's content for other programs. */
export interface TableRecords {
  names: readonly string[];
  /** A column is of numbers or of texts; null: nothing is there. */
  columns: readonly (readonly (number | string | null)[])[];
  rows: number;
}

/** The heading's words without its unit: downloads have figures in units of their own (accuracies in 0..1). */
export function columnName(column: string | Markup | { text: string }): string {
  if (column instanceof Markup) return textOf(column.text.replace(/<small>.*<\/small>/s, ""));
  const text = typeof column === "string" ? column : column.text;
  return text === "" ? "row" : text;
}

/**
 * Reads a table's rows back from its markup, which the `html` tag has made and which is therefore regular: so every table of
 * the page can be downloaded, whatever has made its rows. An entry gives the figures in its `data-` attributes, or else its
 * text; an entry over several columns is a remark, and a heading over several the group of the rows below it.
 */
export function recordsOf(names: readonly string[], bodies: readonly Markup[]): TableRecords {
  const keys = names.map(() => new Set<string>());
  const records = bodies
    .flatMap(({ text }) => rowsOf(text))
    .map(({ group, values }) => {
      const record = new Map<string, string>(group === undefined ? [] : [[GROUP, group]]);
      values.forEach((entries, i) => {
        for (const [key, value] of entries) {
          keys[i].add(key);
          record.set(nameOf(names[i], key), value);
        }
      });
      return record;
    });
  const isGrouped = records.some((record) => record.has(GROUP));
  const all = [
    ...(isGrouped ? [GROUP] : []),
    ...names.flatMap((name, i) => [...keys[i]].map((key) => nameOf(name, key))),
  ];
  return {
    names: all,
    columns: all.map((name) => typed(records.map((record) => record.get(name)))),
    rows: records.length,
  };
}

const GROUP = "group";

function nameOf(column: string, key: string): string {
  return key === "value" ? column : `${column} ${key}`;
}

interface Row {
  group: string | undefined;
  values: [key: string, value: string][][];
}

function rowsOf(body: string): Row[] {
  let group: string | undefined;
  return [...body.matchAll(/<tr\b[^>]*>([\s\S]*?)<\/tr>/g)].flatMap(([, content]) => {
    const cells = [...content.matchAll(/<(th|td)\b([^>]*)>([\s\S]*?)<\/\1>/g)];
    if (!cells.some(([, , attributes]) => attributes.includes("colspan="))) {
      return [{ group, values: cells.map(([, , attributes, inner]) => valuesOf(attributes, inner)) }];
    }
    if (cells.length === 1) group = textOf(cells[0][3]);
    return [];
  });
}

function valuesOf(attributes: string, inner: string): [key: string, value: string][] {
  const figures = [...attributes.matchAll(/ data-([a-z]+)="([^"]*)"/g)];
  if (figures.length > 0) return figures.map(([, key, value]) => [key, value]);
  const text = textOf(inner);
  return text === "" || text === MISSING ? [] : [["value", text]];
}

function typed(values: readonly (string | undefined)[]): (number | string | null)[] {
  const numbers = values.map((value) => (value === undefined ? null : numberOf(value)));
  return numbers.includes(undefined) ? values.map((value) => value ?? null) : numbers.map((value) => value ?? null);
}

const NON_FINITE: Readonly<Record<string, number>> = {
  nan: Number.NaN,
  inf: Number.POSITIVE_INFINITY,
  "-inf": Number.NEGATIVE_INFINITY,
};

function numberOf(text: string): number | undefined {
  if (text in NON_FINITE) return NON_FINITE[text];
  return /^[-−]?\d/.test(text) && Number.isFinite(Number(text.replace("−", "-")))
    ? Number(text.replace("−", "-"))
    : undefined;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#39;": "'",
};

function textOf(markup: string): string {
  const plain = markup.replace(/<[^>]*>/g, " ").replace(/&(?:amp|lt|gt|quot|#39);/g, (entity) => ENTITIES[entity]);
  return plain.replace(/\s+/g, " ").trim();
}

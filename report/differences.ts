/** A place where two documents differ; undefined where one has nothing there. */
export interface Difference {
  /** `calibration.seed`, `sources.c4.path`. */
  path: string;
  first: unknown;
  second: unknown;
}

/** Each place where two values of plain JSON differ. Entries of lists that have an `id` are compared by it, others by their places. */
export function differencesOf(first: unknown, second: unknown, path = ""): Difference[] {
  const [one, other] = [keyed(first), keyed(second)];
  if (one === undefined || other === undefined) {
    return JSON.stringify(first) === JSON.stringify(second) ? [] : [{ path, first, second }];
  }
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...keys].flatMap((key) => differencesOf(one[key], other[key], path === "" ? key : `${path}.${key}`));
}

/** Lists of plain values are values. */
function keyed(value: unknown): Record<string, unknown> | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (!Array.isArray(value)) return value as Record<string, unknown>;
  if (!value.every((item) => typeof item === "object" && item !== null)) return undefined;
  return Object.fromEntries(value.map((item: object, i) => ["id" in item ? String(item.id) : String(i), item]));
}

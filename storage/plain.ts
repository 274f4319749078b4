/** Whole numbers as `number` where they fit, lists and structures as arrays and plain objects. */
export function plainValue(value: unknown): unknown {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (typeof value !== "object" || value === null || value instanceof Date || ArrayBuffer.isView(value)) return value;
  const inner = "toJSON" in value && typeof value.toJSON === "function" ? value.toJSON() : value;
  return Array.isArray(inner) ? inner.map(plainValue) : plainFields(inner);
}

export function plainFields(fields: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, plainValue(value)]));
}

import { closest, distance } from "fastest-levenshtein";
import { z } from "zod";
import { type ErrorType, TouchstoneError } from "./errors.js";
import { methodNames } from "./methods.js";

/**
 * Parses `input` by `schema`.
 * @throws TouchstoneError of `type` listing every wrong key with its path and the nearest valid key;
 *   UnknownMethod when the only thing wrong is a method's name.
 */
export function parseOrThrow<T extends z.ZodType>(
  schema: T,
  input: unknown,
  type: ErrorType,
  where: string,
): z.output<T> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const { issues } = result.error;
  const onlyMethods = issues.every((issue) => issue.code === "invalid_union" && issue.path.at(-1) === "method");
  throw new TouchstoneError(onlyMethods ? "UnknownMethod" : type, {
    what: issues.map((issue) => describeIssue(issue, schema, input)).join("; "),
    where,
    todo: "Correct it and try again.",
  });
}

function describeIssue(issue: z.core.$ZodIssue, schema: z.ZodType, input: unknown): string {
  const path = pathText(issue.path);
  if (issue.code === "unrecognized_keys") {
    const valid = validKeys(schema, issue.path, input);
    return issue.keys.map((key) => `${pathText([...issue.path, key])}: unknown key${nearest(key, valid)}`).join("; ");
  }
  if (issue.code === "invalid_union" && issue.path.at(-1) === "method") {
    const value = valueAt(input, issue.path);
    return typeof value === "string"
      ? `${path}: unknown method "${value}"${nearest(value, methodNames)}`
      : `${path}: name one of the methods ${methodNames.join(", ")}`;
  }
  return `${path === "" ? "it" : path}: ${issue.message}`;
}

/** "; did you mean X?" for a slip, else the list of what is valid. */
export function nearest(word: string, valid: readonly string[]): string {
  if (valid.length === 0) return "";
  const best = closest(word, valid as string[]);
  const slip = distance(word, best) <= Math.max(2, word.length / 3);
  return slip ? ` (did you mean ${best}?)` : ` (known: ${valid.join(", ")})`;
}

function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) =>
      typeof part === "number" ? `${text}[${part}]` : text === "" ? String(part) : `${text}.${String(part)}`,
    "",
  );
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], input);
}

interface JsonSchema {
  properties?: Record<string, JsonSchema & { const?: unknown }>;
  items?: JsonSchema;
  oneOf?: JsonSchema[];
  anyOf?: JsonSchema[];
}

/** The keys that the schema knows at `path`; of a union, those of the member that `input` names by its method. */
function validKeys(schema: z.ZodType, path: readonly PropertyKey[], input: unknown): string[] {
  let node: JsonSchema | undefined = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as JsonSchema;
  let value = input;
  for (const part of path) {
    node = typeof part === "number" ? node?.items : node?.properties?.[String(part)];
    value = (value as Record<PropertyKey, unknown> | undefined)?.[part];
    node = chooseMember(node, value);
  }
  return Object.keys(chooseMember(node, value)?.properties ?? {});
}

function chooseMember(node: JsonSchema | undefined, value: unknown): JsonSchema | undefined {
  const members = node?.oneOf ?? node?.anyOf;
  if (members === undefined) return node;
  const method = (value as { method?: unknown } | undefined)?.method;
  return members.find((member) => member.properties?.method?.const === method) ?? members.find((m) => m.properties);
}

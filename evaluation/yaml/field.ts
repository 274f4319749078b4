import { TouchstoneError } from "../../study/errors.js";
import type { Span } from "../template.js";
import type { Config } from "./read.js";
import { compileTemplate, type Template, TemplateError } from "./template.js";

/** What a record gives for a key of a task's definition. */
export type Field = (record: Config, place: string) => unknown;

interface FieldOf {
  /** What a template stands for: its text; a number where that is of digits alone; or whatever its one expression gives. */
  gives: "text" | "textOrNumber" | "value";
  /** The definition's key, such as doc_to_text. */
  key: string;
  /** The definition, for messages. */
  where: string;
}

/**
 * The harness's rule for `doc_to_...`: a number is itself, the name of a field is that field's value, all else is a template.
 * A single word is taken for a field's name, also where the record has none: as a text it would ask every record the same.
 * @throws TouchstoneError InvalidTask for what is not a template, with its place
 */
export function fieldOf(source: string | number, options: FieldOf): Field {
  const field = framedFieldOf(source, options);
  return (record, place) => field(record, place).value;
}

/** What a record gives for a key, and where in that text the record's own texts stand; not given: all of it. */
export type FramedField = (record: Config, place: string) => { value: unknown; texts?: Span[] };

/** As `fieldOf`. What a template writes between its expressions is its frame. */
export function framedFieldOf(source: string | number, { key, where, gives }: FieldOf): FramedField {
  if (typeof source === "number") return () => ({ value: source });
  if (/^[\p{L}_][\p{L}\p{N}_]*$/u.test(source))
    return (record, place) => ({ value: namedField(record, source, key, place) });
  const template = compiled(source, key, where);
  return (record, place) => {
    const evaluate = <T>(way: (fields: Config) => T) => evaluated(() => way(record), { key, where }, place);
    if (gives === "value") return { value: evaluate(template.evaluate) };
    const { text, texts } = joined(evaluate(template.pieces));
    return { value: gives === "textOrNumber" && /^\d+$/.test(text) ? Number(text) : text, texts };
  };
}

function joined(pieces: readonly { text: string; isFrame: boolean }[]): { text: string; texts: Span[] } {
  const texts: Span[] = [];
  const text = pieces.reduce((before, piece) => {
    if (!piece.isFrame) texts.push({ start: before.length, end: before.length + piece.text.length });
    return before + piece.text;
  }, "");
  return { text, texts };
}

function namedField(record: Config, name: string, key: string, place: string): unknown {
  if (record[name] !== undefined) return record[name];
  throw new TouchstoneError("InvalidData", {
    what: `The record has no field ${name}, which ${key} names`,
    where: place,
    todo: `It has ${Object.keys(record).join(", ")}.`,
  });
}

function compiled(source: string, key: string, where: string): Template {
  try {
    return compileTemplate(source);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new TouchstoneError("InvalidTask", {
      what: `${key}: this is not a template: ${describe(error)}`,
      where,
      todo: "Correct it.",
    });
  }
}

function evaluated<T>(evaluate: () => T, { key, where }: Pick<FieldOf, "key" | "where">, place: string): T {
  try {
    return evaluate();
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    // Both places are told, since either may be what is to be corrected.
    throw new TouchstoneError(error.isRecords ? "InvalidData" : "InvalidTask", {
      what: `${key}: ${describe(error)}`,
      where: `${where}; ${place}`,
      todo: error.isRecords ? "Correct the record, or the name in the template." : "Correct the template.",
    });
  }
}

function describe({ message, place }: TemplateError): string {
  return place === undefined ? message : `${message}, in ${place}`;
}

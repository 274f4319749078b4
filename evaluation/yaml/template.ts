import { Environment, Interpreter, type Node, parse, tokenize, type Value } from "./jinja.js";
import { listMethods, stringFilters, stringMethods } from "./python.js";

/** A Jinja template as lm-evaluation-harness reads it: names that are not there are errors, and no newline is dropped. */
export interface Template {
  /** The text in pieces: the template's own words, and what its expressions and statements give. @throws TemplateError */
  pieces(fields: Fields): { text: string; isFrame: boolean }[];
  /** What a template of a single expression gives, such as a list; the text of any other. @throws TemplateError */
  evaluate(fields: Fields): unknown;
}

type Fields = Readonly<Record<string, unknown>>;

/** What is wrong in a template. */
export class TemplateError extends Error {
  constructor(
    message: string,
    /** The line, column and text of the expression, where it is known. */
    readonly place: string | undefined,
    /** Whether the template is right, and the record lacks what it names. */
    readonly isRecords = false,
  ) {
    super(message);
  }
}

/** @throws TemplateError for what is not a template */
export function compileTemplate(source: string): Template {
  const { body } = parsed(source);
  const places = placesOf(source, body);
  const evaluated = (fields: Fields): Value[] => {
    const environment = environmentOf(fields);
    const interpreter = new StrictInterpreter(environment);
    return body.map((node, i) => {
      try {
        return interpreter.evaluate(node, environment);
      } catch (error) {
        throw new TemplateError((error as Error).message, places[i], error instanceof NotDefined);
      }
    });
  };
  const pieces = (fields: Fields) =>
    evaluated(fields).map((value, i) => ({
      // Statements and comments give nothing, which is no "None".
      text: value.type === "NullValue" && !isExpression(body[i]) ? "" : textOf(value, places[i]),
      isFrame: isText(body[i]),
    }));
  const render = (fields: Fields) =>
    pieces(fields)
      .map(({ text }) => text)
      .join("");
  return {
    pieces,
    evaluate: (fields) => (body.length === 1 && isExpression(body[0]) ? plain(evaluated(fields)[0]) : render(fields)),
  };
}

/** The nodes that give texts, never values. */
const STATEMENTS: ReadonlySet<string> = new Set(["Set", "If", "For", "Macro", "CallStatement", "FilterStatement"]);

function isText({ type }: Node): boolean {
  return type === "StringLiteral" || type === "Comment";
}

/** A template's plain text is one, too. */
function isExpression({ type }: Node): boolean {
  return !STATEMENTS.has(type) && type !== "Comment";
}

function parsed(source: string) {
  try {
    // The engine drops one newline at the end: this one, and none of the template's own.
    return parse(tokenize(`${source}\n`));
  } catch (error) {
    // The engine reads beyond the end of a block that is not closed.
    const message = error instanceof SyntaxError ? error.message : "a block is not closed";
    throw new TemplateError(message, brokenPlace(source));
  }
}

/** Where each node stands that is no plain text; nothing where there are statements, whose parts stand in several places. */
function placesOf(source: string, body: readonly Node[]): (string | undefined)[] {
  if (source.includes("{%")) return [];
  const tags = source.matchAll(/\{\{[\s\S]*?\}\}/g);
  return body.map((node) => {
    if (isText(node)) return undefined;
    const tag = tags.next().value;
    return tag === undefined ? undefined : placeIn(source, tag.index, tag[0]);
  });
}

/** The first tag that can't be read by itself, or that is not closed. */
function brokenPlace(source: string): string | undefined {
  for (const { 0: tag, index } of source.matchAll(/\{\{[\s\S]*?(?:\}\}|$)/g)) {
    try {
      parse(tokenize(tag));
    } catch {
      return placeIn(source, index, tag);
    }
  }
  return undefined;
}

function placeIn(source: string, index: number, text: string): string {
  const lines = source.slice(0, index).split("\n");
  return `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}: ${text}`;
}

const CONSTANTS = { true: true, false: false, none: null, True: true, False: false, None: null };

function environmentOf(fields: Fields): Environment {
  const environment = new Environment();
  for (const [name, value] of Object.entries({ ...CONSTANTS, ...fields })) environment.set(name, withoutBigInts(value));
  return environment;
}

function withoutBigInts(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(withoutBigInts);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutBigInts(item)]));
}

class NotDefined extends Error {
  constructor(name: string) {
    super(`${name} is not defined`);
  }
}

/** What the engine's nodes hold, of those that are looked into here. */
interface Member {
  object: Node;
  computed: boolean;
  property: { type: string; value: string };
}
interface Filtered {
  operand: Node;
  filter: { type: string; value: string; callee: { value: string } };
}

/** As Python's Jinja with `StrictUndefined`, and with Python's methods of texts and lists. */
class StrictInterpreter extends Interpreter {
  #lenient = 0;

  override evaluate(node: Node | undefined, environment: Environment): Value {
    switch (node?.type) {
      case "Identifier":
        return this.#defined(super.evaluate(node, environment), (node as Node & { value: string }).value);
      case "MemberExpression":
        return this.#member(node, node as Node & Member, environment);
      case "FilterExpression":
        return this.#filtered(node, node as Node & Filtered, environment);
      case "TestExpression":
        return this.#leniently(node, environment);
      default:
        return super.evaluate(node, environment);
    }
  }

  #member(node: Node, { object, computed, property }: Member, environment: Environment): Value {
    if (!computed && property.type === "Identifier") {
      const method = methodOf(this.evaluate(object, environment), property.value);
      if (method !== undefined) return new Environment().set("method", method);
    }
    return this.#defined(super.evaluate(node, environment), computed ? "the item" : property.value);
  }

  #filtered(node: Node, { operand, filter }: Filtered, environment: Environment): Value {
    const name = filter.type === "Identifier" ? filter.value : filter.callee.value;
    if (name === "default" || name === "d") return this.#leniently(node, environment);
    if (!Object.hasOwn(stringFilters, name)) return super.evaluate(node, environment);
    const value = this.evaluate(operand, environment);
    if (value.type !== "StringValue") return super.evaluate(node, environment);
    return new Environment().set("filtered", stringFilters[name](value.value as string));
  }

  /** Where a name may be undefined. */
  #leniently(node: Node, environment: Environment): Value {
    this.#lenient++;
    try {
      return super.evaluate(node, environment);
    } finally {
      this.#lenient--;
    }
  }

  #defined(value: Value, name: string): Value {
    if (value.type === "UndefinedValue" && this.#lenient === 0) throw new NotDefined(name);
    return value;
  }
}

type Unwrapped = string | number | readonly { value: unknown }[];

function methodOf({ type, value }: Value, name: string): ((...args: Unwrapped[]) => unknown) | undefined {
  if (type === "StringValue" && Object.hasOwn(stringMethods, name)) {
    return (...args) => stringMethods[name](value as string, ...args);
  }
  if (type === "ArrayValue" && Object.hasOwn(listMethods, name)) {
    return (...args) => listMethods[name](value as readonly { value: unknown }[], ...args);
  }
  return undefined;
}

/** As Python writes it. */
function textOf(value: Value, place: string | undefined): string {
  switch (value.type) {
    case "StringValue":
    case "IntegerValue":
    case "FloatValue":
      return value.toString();
    case "BooleanValue":
      return value.value ? "True" : "False";
    case "NullValue":
      return "None";
    default:
      throw new TemplateError("gives a list where a text is needed", place);
  }
}

function plain({ type, value }: Value): unknown {
  if (type === "ArrayValue" || type === "TupleValue") return (value as Value[]).map(plain);
  if (type === "NullValue") return null;
  if (type !== "ObjectValue") return value;
  return Object.fromEntries(Array.from(value as Map<string, Value>, ([key, item]) => [key, plain(item)]));
}

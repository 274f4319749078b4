import * as jinja from "@huggingface/jinja";

/** A value in a template: what it is, and its plain value; items of lists and objects are such values again. */
export interface Value {
  type: string;
  value: unknown;
  toString(): string;
}

/** A part of a template's syntax tree. */
export interface Node {
  type: string;
}

export interface Environment {
  /** Gives the value as templates have it. */
  set(name: string, value: unknown): Value;
}

interface Interpreter {
  evaluate(node: Node | undefined, environment: Environment): Value;
}

interface Engine {
  Environment: new () => Environment;
  Interpreter: new (environment: Environment) => Interpreter;
  tokenize(source: string): readonly unknown[];
  parse(tokens: readonly unknown[]): { body: readonly Node[] };
}

// The package's declarations import each other without extensions, so TypeScript does not find what they declare.
export const { Environment, Interpreter, tokenize, parse } = jinja as unknown as Engine;

import { type Document, LineCounter, parseDocument } from "yaml";
import { type ErrorType, TouchstoneError } from "../study/errors.js";

/** What a YAML file says, and its nodes with their places. */
export interface YamlFile {
  value: unknown;
  document: Document;
  lines: LineCounter;
}

/**
 * A YAML (or JSON, which is YAML too) document.
 * @param file for messages
 * @throws TouchstoneError of `type` for what is not YAML, with line and column; and for aliases that lead nowhere or unfold
 *   into too much, and for what is nested too deep
 */
export function parseYaml(text: string, file: string, type: ErrorType): YamlFile {
  const lines = new LineCounter();
  const wrong = (what: string, where: string, cause: unknown) =>
    new TouchstoneError(type, { what: `This is not YAML: ${what}`, where, todo: "Correct it." }, { cause });
  try {
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: "error" });
    const [error] = document.errors;
    if (error === undefined) {
      const value: unknown = document.toJS();
      // What an alias of itself makes is no JSON, which specifications and definitions become.
      JSON.stringify(value);
      return { value, document, lines };
    }
    const { line, col } = lines.linePos(error.pos[0]);
    throw wrong(error.message, `${file}, line ${line}, column ${col}`, error);
  } catch (cause) {
    if (cause instanceof TouchstoneError) throw cause;
    // The library throws ReferenceErrors for aliases, and runs out of stack where values are nested thousands deep.
    const message = cause instanceof RangeError ? "it is nested too deep" : String(cause).split("\n")[0];
    throw wrong(message, file, cause);
  }
}

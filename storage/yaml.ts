import { type Document, LineCounter, parseDocument } from "yaml";
import { type ErrorType, TouchstoneError } from "../study/errors.js";

/**
 * A YAML (or JSON, which is YAML too) document.
 * @param file for messages
 * @throws TouchstoneError of `type` for what is not YAML, with line and column
 */
export function parseYaml(text: string, file: string, type: ErrorType): { document: Document; lines: LineCounter } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: "error" });
  const [error] = document.errors;
  if (error === undefined) return { document, lines };
  const { line, col } = lines.linePos(error.pos[0]);
  throw new TouchstoneError(
    type,
    { what: `This is not YAML: ${error.message}`, where: `${file}, line ${line}, column ${col}`, todo: "Correct it." },
    { cause: error },
  );
}

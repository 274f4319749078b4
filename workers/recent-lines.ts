import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { redacted } from "../study/secrets.js";

const LINES = 10;
const CHARACTERS = 200;

/**
 * The last lines of what a process writes, without credentials, cut to 200 characters. They go with a failure into histories and
 * reports.
 */
export function recentLines(stream: Readable): () => readonly string[] {
  const lines: string[] = [];
  createInterface({ input: stream }).on("line", (line) => {
    lines.push(line);
    if (lines.length > LINES) lines.shift();
  });
  return () => lines.map((line) => redacted(line).slice(0, CHARACTERS));
}

import { spawn } from "node:child_process";
import { TouchstoneError } from "../study/errors.js";

export interface CommandOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Given each complete line of standard output as it comes. */
  onLine?: (line: string) => void;
}

export interface CommandResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end, without a shell. Undefined when there is no such program. */
export function tryCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: options.cwd, env: options.env, stdio: ["ignore", "pipe", "pipe"] });
    const result: CommandResult = { code: null, stdout: "", stderr: "" };
    let pending = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      result.stdout += text;
      const lines = (pending + text).split("\n");
      pending = lines.pop() ?? "";
      for (const line of lines) options.onLine?.(line);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      result.stderr += text;
    });
    child.on("error", (error: NodeJS.ErrnoException) => (error.code === "ENOENT" ? resolve(undefined) : reject(error)));
    child.on("close", (code) => resolve({ ...result, code }));
  });
}

/**
 * Runs a program that must succeed; its standard output.
 * @throws TouchstoneError DiskFull, or SetupIncomplete with the last lines it printed and `todo`.
 */
export async function command(
  name: string,
  args: readonly string[],
  todo: string,
  options: CommandOptions = {},
): Promise<string> {
  const result = await tryCommand(name, args, options);
  if (result === undefined) {
    throw new TouchstoneError("SetupIncomplete", { what: `The program ${name} is missing`, todo });
  }
  if (result.code === 0) return result.stdout;
  const where = `${name} ${args.join(" ")}`;
  if (/No space left|ENOSPC/.test(result.stderr)) {
    throw new TouchstoneError("DiskFull", {
      what: "The disk is full",
      where,
      todo: "Free some space and run it again.",
    });
  }
  const said = lastLines(result.stderr || result.stdout, 8);
  throw new TouchstoneError("SetupIncomplete", { what: `${name} failed:\n${said}\n`, where, todo });
}

export function lastLines(text: string, count: number): string {
  return text.trimEnd().split("\n").slice(-count).join("\n");
}

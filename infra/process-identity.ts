import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** A process id is used again after its process has ended; with the time of birth it names one process only. */
export interface ProcessIdentity {
  pid: number;
  birth: string;
}

export function ownIdentity(): ProcessIdentity {
  return { pid: process.pid, birth: processBirth(process.pid) ?? "" };
}

export function isAlive({ pid, birth }: ProcessIdentity): boolean {
  return processBirth(pid) === birth;
}

/** When the process was born, as the system tells it; undefined when it has ended (a zombie has). */
export function processBirth(pid: number): string | undefined {
  return process.platform === "linux" ? birthFromProc(pid) : birthFromPs(pid);
}

function birthFromProc(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the program's name in parentheses, which may hold spaces and parentheses itself.
    const [state, ...rest] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (state === "Z" || state === "X") return undefined;
    // Field 22, in clock ticks since the system was started.
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}/${rest[18]}`;
  } catch {
    return undefined;
  }
}

function birthFromPs(pid: number): string | undefined {
  try {
    const [state, ...start] = execFileSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], { encoding: "utf8" })
      .trim()
      .split(/\s+/);
    return state === "" || state.startsWith("Z") ? undefined : start.join(" ");
  } catch {
    return undefined;
  }
}

import { totalmem } from "node:os";

/** Bytes: the machine's memory, or what a container may use of it. */
export function machineMemory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

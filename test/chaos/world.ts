import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { generatorOf } from "../../storage/generator.js";
import { openStoreProxy, openTcpProxy, type StoreProxy, type TcpProxy } from "../system/fault-proxy.js";
import { processTable, type System, startWorker, type WorkerProcess } from "../system/harness.js";

/** What faults befall: services, two workers behind networks that fail, and a clock that jumps. */
export interface World {
  system: System;
  store: StoreProxy;
  network: TcpProxy;
  workers: WorkerProcess[];
  /** The study that runs now; its objects lie under its name. */
  study: string;
  /** Keys of objects that were altered, with the studies' names before them. */
  altered: Set<string>;
  /** A whole number from 0 to below `count`, by the seed. */
  random(count: number): number;
  /** Of the workers and all that they start. */
  setClock(hours: number): void;
  newWorker(): Promise<WorkerProcess>;
}

/** Workers come later. @param seed of all that happens */
export async function createWorld(system: System, seed: string): Promise<World> {
  const clock = join(system.folder, "clock");
  const setClock = (hours: number) => writeFileSync(clock, String(hours * 3_600_000));
  setClock(0);
  const store = await openStoreProxy(process.env.S3_ENDPOINT ?? "");
  const network = await openTcpProxy(process.env.TEMPORAL_ADDRESS ?? "");
  const environment = {
    S3_ENDPOINT: store.endpoint,
    TEMPORAL_ADDRESS: network.address,
    TOUCHSTONE_STORE_SILENCE: "3",
    NODE_OPTIONS: `--import ${new URL("../system/shifted-clock.js", import.meta.url).href}`,
    SHIFTED_CLOCK: clock,
  };
  const generator = generatorOf(seed);
  return {
    ...{ system, store, network, setClock, study: "", altered: new Set<string>(), workers: [] },
    random: (count) => uniformInt(generator, 0, count - 1),
    newWorker: () => startWorker(["--stall-seconds", "30"], environment),
  };
}

/** Compute processes that belong to this world, whether or not their worker lives. */
export async function computeProcesses({ system }: World): Promise<number[]> {
  const programs = (await processTable("pid=,args=")).filter((line) => line.join(" ").includes("compute-process"));
  return programs.map(([pid]) => Number(pid)).filter((pid) => environmentOf(pid).includes(system.folder));
}

/** Empty for a process that has just ended. */
function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8");
  } catch {
    return "";
  }
}

import { setTimeout as sleep } from "node:timers/promises";
import { up } from "../../infra/services.js";
import { alterObject } from "../system/alter.js";
import type { Fault as StoreFault } from "../system/fault-proxy.js";
import { servicePid, signalProcesses, until } from "../system/harness.js";
import { manifestsOf } from "../system/observe.js";
import { computeProcesses, type World } from "./world.js";

/** Something that goes wrong, and is over when it returns. What it says is printed. */
export type Fault = (world: World) => Promise<string>;

export const faults: Readonly<Record<string, Fault>> = {
  "worker killed": (world) => replaceWorker(world, "SIGKILL"),
  "worker told to end": (world) => replaceWorker(world, "SIGTERM"),
  "worker stopped for a while": async (world) => {
    return stopped(world, world.workers[world.random(world.workers.length)].pid);
  },
  "compute process killed": async (world) => {
    const pid = await anyComputeProcess(world);
    return pid === undefined ? "there was none" : killed(pid);
  },
  "compute process stopped for a while": async (world) => {
    const pid = await anyComputeProcess(world);
    return pid === undefined ? "there was none" : stopped(world, pid);
  },
  "Temporal server killed": (world) => restarted(world, "temporal"),
  "object store killed": (world) => restarted(world, "store"),
  "store refuses connections": (world) => behindProxy(world, { kind: "refuse" }),
  "store hangs": (world) => behindProxy(world, { kind: "hang" }),
  "store is slow": (world) => behindProxy(world, { kind: "delay", ms: 500 }),
  "store cuts answers": (world) => behindProxy(world, { kind: "reset" }, 2),
  "store answers 500": (world) => behindProxy(world, { kind: "answer", status: 500, code: "InternalError" }, 2),
  "store answers 503": (world) => behindProxy(world, { kind: "answer", status: 503, code: "SlowDown" }),
  "network to the server is silent": async (world) => {
    const length = seconds(world);
    world.network.silence();
    await sleep(length * 1000);
    world.network.heal();
    return `for ${length} s`;
  },
  "object altered": async (world) => {
    const blocks = Array.from((await manifestsOf(world.study, "block")).values());
    if (blocks.length === 0) return "there was none";
    const { key, objects } = blocks[world.random(blocks.length)];
    const digests = Object.values(objects).map(({ sha256 }) => `v1/content/${sha256}.arrow`);
    const keys = [`v1/block/${key}.json`, ...digests];
    const chosen = keys[world.random(keys.length)];
    await alterObject(world.study, chosen);
    world.altered.add(`${world.study}/${chosen}`);
    return chosen;
  },
  "clocks jump": async (world) => {
    const hours = world.random(49) - 24;
    world.setClock(hours);
    return `to ${hours} h`;
  },
  "study cancelled": async (world) => {
    await world.system.touchstone.study(world.study).cancel();
    return world.study;
  },
  "study paused": async (world) => {
    const study = world.system.touchstone.study(world.study);
    const length = seconds(world);
    await study.pause();
    await sleep(length * 1000);
    // Queries and updates need a worker and the server: there may be none at the moment. It may also have been over by now.
    const goesOn = () =>
      study
        .resume()
        .then(() => true)
        .catch(async () => !(await study.isRunning().catch(() => true)));
    await until("the study goes on", 600, goesOn);
    return `for ${length} s`;
  },
};

const seconds = ({ random }: World) => 1 + random(8);

async function replaceWorker(world: World, signal: "SIGKILL" | "SIGTERM"): Promise<string> {
  const which = world.random(world.workers.length);
  const { pid } = world.workers[which];
  world.workers[which].kill(signal);
  world.workers[which] = await world.newWorker();
  return `${pid}, and another started`;
}

/** One time in five for longer than a heartbeat's timeout and the silence that is taken for a hung process. */
async function stopped(world: World, pid: number): Promise<string> {
  const length = world.random(5) === 0 ? 40 : seconds(world);
  signalProcesses([pid], "SIGSTOP");
  await sleep(length * 1000);
  signalProcesses([pid], "SIGCONT");
  return `${pid}, for ${length} s`;
}

function killed(pid: number): string {
  signalProcesses([pid], "SIGKILL");
  return String(pid);
}

async function anyComputeProcess(world: World): Promise<number | undefined> {
  const pids = await computeProcesses(world);
  return pids.length === 0 ? undefined : pids[world.random(pids.length)];
}

async function restarted(world: World, service: "temporal" | "store"): Promise<string> {
  const length = seconds(world);
  process.kill(await servicePid(service), "SIGKILL");
  await sleep(length * 1000);
  await up();
  return `for ${length} s`;
}

/** @param every of so many requests one */
async function behindProxy(world: World, fault: StoreFault, every = 1): Promise<string> {
  const length = seconds(world);
  let asked = 0;
  world.store.fault = () => (asked++ % every === 0 ? fault : undefined);
  await sleep(length * 1000);
  world.store.fault = undefined;
  return `for ${length} s, ${Math.ceil(asked / every)} requests`;
}

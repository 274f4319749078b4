import type { RunOptions, StepRunner } from "../activities/delegated.js";
import type { StepName } from "../activities/steps.js";
import { type Measurement, measure } from "../storage/measure.js";
import { TouchstoneError } from "../study/errors.js";
import { metrics } from "../study/metrics.js";
import type { BackendKind } from "../tensor/backend.js";
import { computeEnvironment, leaving, type Slot, send, startSlot } from "./compute-slot.js";
import { Homes } from "./homes.js";
import type { Response } from "./protocol.js";
import { asError, crashed } from "./step-errors.js";

export interface PoolOptions {
  /** What its processes are called in metrics, with a number behind. */
  name?: string;
  /** Compute processes: one a device, or a share of the cores. */
  processes: number;
  /** Steps that a process has in hand: while one waits for the store, the next computes. */
  stepsEach: number;
  /** Threads of a TensorFlow operation in each process. */
  threads: number;
  /** A step that says nothing for so long is taken for hung, and its process is ended. */
  stallSeconds?: number;
  /** Bytes that a process may take; one that takes more is replaced when its steps have ended. No limit by default. */
  memory?: number;
  onReplaced?(pid: number, memory: number): void;
  /** The program that a process runs. */
  program?: URL;
}

/** How long an aborted step may go on before its process is killed: TensorFlow's calls can't be interrupted. */
const ABORT_GRACE_MS = 15_000;

/** How often the pool looks for hung processes. Looks are counted, since clocks jump, and stand still in a stopped worker. */
const LOOK_MS = 5000;

/**
 * Compute processes, started when work comes. A crash fails only the steps of its process, with an error that names the
 * cause; the next step gets a new process.
 */
export class ComputePool implements StepRunner {
  readonly #options: Required<PoolOptions>;
  readonly #slots: (Slot | undefined)[];
  readonly #waiting: (() => void)[] = [];
  readonly #watch: NodeJS.Timeout;
  readonly #homes = new Homes();
  #nextId = 0;
  #isClosing = false;

  constructor(options: PoolOptions) {
    const { program = new URL("./compute-process.js", import.meta.url), stallSeconds = 300, ...others } = options;
    const unlimited = { memory: Number.POSITIVE_INFINITY, onReplaced: () => {} };
    this.#options = { name: "compute", ...unlimited, program, stallSeconds, ...others };
    this.#slots = Array.from({ length: options.processes }, () => undefined);
    this.#watch = setInterval(() => this.#endStalled(), LOOK_MS).unref();
  }

  async run(step: StepName, input: unknown, { affinity, signal, onProgress, onLog }: RunOptions): Promise<unknown> {
    const slot = await this.#freeSlot(affinity, signal);
    const id = this.#nextId++;
    const abort = () => this.#abort(slot, id);
    try {
      return await new Promise((resolve, reject) => {
        slot.jobs.set(id, { resolve, reject, onProgress, silentLooks: 0 });
        signal.addEventListener("abort", abort);
        send(slot, { kind: "run", id, step, input });
        if (signal.aborted) abort();
      });
    } catch (error) {
      onLog?.(slot.log());
      throw error;
    } finally {
      signal.removeEventListener("abort", abort);
      slot.jobs.delete(id);
      slot.busy--;
      if (slot.busy === 0 && this.#isTooLarge(slot)) void this.#replace(slot);
      // All look again: who waits for another process must not keep the others from this one.
      for (const wake of this.#waiting.splice(0)) wake();
    }
  }

  /** What the processes compute with, which the first one tells; undefined where it can't start. */
  backend(): Promise<BackendKind | undefined> {
    this.#slots[0] ??= this.#start(0);
    return this.#slots[0].backend;
  }

  /** Lets the processes store what only they have, and ends them. No step may run any more. */
  async leave(): Promise<void> {
    this.#isClosing = true;
    await Promise.all(this.#slots.map((slot) => slot && leaving(slot)));
    this.close();
  }

  /** Its place gets another process when it has ended. */
  async #replace(slot: Slot): Promise<void> {
    slot.isReplaced = true;
    this.#options.onReplaced(slot.child.pid ?? 0, slot.memory);
    await leaving(slot);
    slot.child.kill("SIGKILL");
  }

  /** TensorFlow's allocator gives memory back at the end of its process only. */
  #isTooLarge({ memory }: Slot): boolean {
    return memory > this.#options.memory;
  }

  /** Ends all processes; steps that run fail as crashed. */
  close(): void {
    this.#isClosing = true;
    clearInterval(this.#watch);
    for (const slot of this.#slots) slot?.child.kill("SIGKILL");
  }

  /** The process where the steps of `affinity` run, else the least busy one, when it has room; a place without a process gets one. */
  async #freeSlot(affinity: string | undefined, signal: AbortSignal): Promise<Slot> {
    for (;;) {
      signal.throwIfAborted();
      const place = this.#homes.find(affinity) ?? this.#leastBusy();
      if (this.#hasRoom(this.#slots[place])) {
        this.#homes.use(affinity, place);
        this.#slots[place] ??= this.#start(place);
        this.#slots[place].busy++;
        return this.#slots[place];
      }
      await new Promise<void>((resolve) => {
        const wake = () => {
          signal.removeEventListener("abort", wake);
          resolve();
        };
        this.#waiting.push(wake);
        signal.addEventListener("abort", wake);
      });
    }
  }

  #hasRoom(slot: Slot | undefined): boolean {
    return slot === undefined || (slot.busy < this.#options.stepsEach && !this.#isTooLarge(slot));
  }

  /** By what runs there now, and by what ran there a moment ago and will go on. */
  #leastBusy(): number {
    const load = (place: number) => this.#homes.lately(place) + (this.#slots[place]?.busy ?? 0);
    const [best] = [...this.#slots.keys()].sort((a, b) => load(a) - load(b));
    return best;
  }

  #start(index: number): Slot {
    const { threads, processes } = this.#options;
    const slot = startSlot(this.#options.program, {
      ...computeEnvironment(threads),
      TOUCHSTONE_PROCESSES: String(processes),
    });
    const { child } = slot;
    child.on("message", (response: Response) => this.#receive(index, slot, response));
    child.on("error", () => {});
    // Not before its last words are read.
    child.on("close", (code, signal) => this.#ended(index, slot, code, signal));
    return slot;
  }

  #receive(index: number, slot: Slot, response: Response): void {
    if (response.kind === "measured") this.#measure(index, response.measurement);
    if (response.kind === "left") slot.onLeft?.();
    if (response.kind === "waiting") for (const job of slot.jobs.values()) job.silentLooks = 0;
    if (!("id" in response)) return;
    if (response.kind !== "progress") slot.memory = response.memory;
    const job = slot.jobs.get(response.id);
    if (job === undefined) return;
    job.silentLooks = 0;
    if (response.kind === "progress") job.onProgress(response.progress);
    else if (response.kind === "failed") job.reject(asError(response.failure));
    else job.resolve(response.result);
  }

  /** Of what a process has, and not of what it does, each tells its own. */
  #measure(index: number, { name, value, tags }: Measurement): void {
    const isOwn = metrics[name].kind === "gauge";
    measure(name, value, isOwn ? { ...tags, process: `${this.#options.name}-${index}` } : tags);
  }

  #ended(index: number, slot: Slot, code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#slots[index] === slot) this.#slots[index] = undefined;
    const error = slot.ending ?? crashed(slot.child.pid, code, signal);
    this.#measure(index, { name: "touchstone_process_memory_bytes", value: 0, tags: {} });
    if (!this.#isClosing && !slot.isReplaced)
      measure("touchstone_compute_ends", 1, { cause: slot.ending ? "hung" : "crashed" });
    for (const job of slot.jobs.values()) job.reject(error);
    for (const wake of this.#waiting.splice(0)) wake();
  }

  #abort(slot: Slot, id: number): void {
    if (!slot.jobs.has(id)) return;
    send(slot, { kind: "abort", id });
    setTimeout(() => {
      if (slot.jobs.has(id)) this.#kill(slot, "A step went on after it was cancelled");
    }, ABORT_GRACE_MS).unref();
  }

  #endStalled(): void {
    const limit = (this.#options.stallSeconds * 1000) / LOOK_MS;
    for (const slot of this.#slots) {
      // While one step computes, the others of its process can't say anything: only when all are silent it hangs.
      const jobs = [...(slot?.jobs.values() ?? [])];
      for (const job of jobs) job.silentLooks++;
      const silent = jobs.length > 0 && jobs.every(({ silentLooks }) => silentLooks > limit);
      if (slot !== undefined && silent) this.#kill(slot, `No sign of life for ${this.#options.stallSeconds} s`);
    }
  }

  #kill(slot: Slot, what: string): void {
    slot.ending = new TouchstoneError("ComputeCrashed", { what, where: `compute process ${slot.child.pid}` });
    slot.child.kill("SIGKILL");
  }
}

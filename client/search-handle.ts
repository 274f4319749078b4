import { setTimeout as sleep } from "node:timers/promises";
import { type Client, WorkflowFailedError, type WorkflowHandle } from "@temporalio/client";
import { TouchstoneError } from "../study/errors.js";
import { searchWorkflowId } from "../study/names.js";
import type { SearchProgress, SearchSummary } from "../study/search.js";
import { rootFailure } from "../workflows/failures.js";
import { searchProgressQuery } from "../workflows/messages.js";
import type { search } from "../workflows/search.js";
import { answeredSoon, translated } from "./temporal-client.js";

const LOOK_EVERY_MS = 1000;

/** A search for the best calibration set, on the server. Its rounds are studies. Methods throw TouchstoneError. */
export class SearchHandle {
  readonly name: string;
  readonly workflowId: string;
  readonly #client: Client;
  readonly #workflow: WorkflowHandle<typeof search>;

  constructor(client: Client, name: string) {
    this.name = name;
    this.workflowId = searchWorkflowId(name);
    this.#client = client;
    this.#workflow = client.workflow.getHandle<typeof search>(this.workflowId);
  }

  /** Its rounds, and which of them runs. */
  progress(): Promise<SearchProgress> {
    return this.#guarded(() => answeredSoon(this.#client, () => this.#workflow.query(searchProgressQuery)));
  }

  async isRunning(): Promise<boolean> {
    const { status } = await this.#guarded(() => this.#workflow.describe());
    return status.name === "RUNNING";
  }

  /** Its progress whenever another round has begun, until it has ended. */
  async *watch(): AsyncIterable<SearchProgress> {
    for (let last: string | undefined; ; await sleep(LOOK_EVERY_MS)) {
      const isRunning = await this.isRunning();
      const progress = await this.progress();
      const state = `${progress.phase} ${progress.round}`;
      if (state !== last) yield progress;
      last = state;
      if (!isRunning) return;
    }
  }

  /** Waits for the end. @throws TouchstoneError as planning or a round's study failed */
  async result(): Promise<SearchSummary> {
    try {
      return await this.#workflow.result();
    } catch (error) {
      if (!(error instanceof WorkflowFailedError)) throw translated(error, this.name);
      const { type, message, at } = rootFailure(error.cause);
      const where = at === null ? `search ${this.name}` : `search ${this.name}, ${at}`;
      throw new TouchstoneError(type, { what: message, where }, { cause: error });
    }
  }

  /** Ends the search and the round that runs; what is done is kept. */
  async cancel(): Promise<void> {
    await this.#guarded(() => this.#workflow.cancel());
  }

  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw translated(error, this.name);
    }
  }
}

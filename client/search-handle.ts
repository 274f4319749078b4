import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "@temporalio/client";
import { TouchstoneError } from "../study/errors.js";
import { searchWorkflowId } from "../study/names.js";
import type { SearchProgress, SearchSummary } from "../study/search.js";
import { searchProgressQuery } from "../workflows/messages.js";
import type { search } from "../workflows/search.js";
import { RemoteWorkflow } from "./remote-workflow.js";

const LOOK_EVERY_MS = 1000;

/** A search for the best calibration set, on the server. Its rounds are studies. Methods throw TouchstoneError. */
export class SearchHandle {
  readonly name: string;
  readonly workflowId: string;
  readonly #remote: RemoteWorkflow<typeof search>;

  constructor(client: Client, name: string) {
    this.name = name;
    this.workflowId = searchWorkflowId(name);
    this.#remote = new RemoteWorkflow(client, "search", name, this.workflowId);
  }

  /** Its rounds, and which of them runs. */
  progress(): Promise<SearchProgress> {
    return this.#remote.answered(() => this.#remote.handle.query(searchProgressQuery));
  }

  /** Its progress whenever another round has begun, until it has ended; goes on through outages of the server and of the workers. */
  async *watch(): AsyncIterable<SearchProgress> {
    let last: string | undefined;
    for (let isRunning = true; isRunning; await sleep(isRunning ? LOOK_EVERY_MS : 0)) {
      try {
        isRunning = await this.isRunning();
        const progress = await this.progress();
        const state = `${progress.phase} ${progress.round}`;
        if (state !== last) yield progress;
        last = state;
      } catch (error) {
        const isAway = error instanceof TouchstoneError && error.type === "ServiceUnavailable";
        if (!isAway) throw error;
      }
    }
  }

  isRunning(): Promise<boolean> {
    return this.#remote.isRunning();
  }

  /** Waits for the end. @throws TouchstoneError as planning or a round's study failed */
  result(): Promise<SearchSummary> {
    return this.#remote.result();
  }

  /** Ends the search and the round that runs; what is done is kept. */
  async cancel(): Promise<void> {
    await this.#remote.guarded(() => this.#remote.handle.cancel());
  }
}

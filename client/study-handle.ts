import { setTimeout as sleep } from "node:timers/promises";
import type { Client, WorkflowHandle } from "@temporalio/client";
import { TouchstoneError } from "../study/errors.js";
import { studyWorkflowId, sweepWorkflowId } from "../study/names.js";
import type { StudyOverview, StudySummary, StudyView } from "../study/progress.js";
import {
  pauseUpdate,
  reportUpdate,
  resumeUpdate,
  retryFailedUpdate,
  setConcurrencyUpdate,
  skipCellUpdate,
} from "../workflows/messages.js";
import type { study } from "../workflows/study.js";
import { type Forecast, rememberedForecast } from "./forecast/forecast.js";
import { RemoteWorkflow } from "./remote-workflow.js";
import { downloadReport } from "./report-files.js";
import { studyOverview } from "./study-overview.js";
import { parsedSpec } from "./study-run.js";
import { findTroubles, type Troubles } from "./study-troubles.js";
import { studyView } from "./study-view.js";

/** All of a study, or one model's sweep. */
export interface Part {
  model?: string;
}

/**
 * A study on the server. Methods throw TouchstoneError UnknownStudy, ServiceUnavailable, and InvalidSettings where what is asked
 * makes no sense.
 */
export class StudyHandle {
  readonly name: string;
  readonly workflowId: string;
  readonly #client: Client;
  readonly #remote: RemoteWorkflow<typeof study>;
  readonly #restart: () => Promise<void>;
  /** Of failed cells. */
  readonly #causes = new Map<string, string>();

  constructor(client: Client, name: string, restart: () => Promise<void>) {
    this.name = name;
    this.workflowId = studyWorkflowId(name);
    this.#client = client;
    this.#remote = new RemoteWorkflow(client, "study", name, this.workflowId);
    this.#restart = restart;
  }

  /** Where the study stands, with the cells that run now. Without a worker, what the server knows. */
  progress(): Promise<StudyView> {
    return this.#remote.guarded(() => studyView(this.#client, this.name, (workflowId) => this.#query(workflowId)));
  }

  /** The same, with the steps that workers have in hand, causes of failures, and the workers. */
  async overview(): Promise<StudyOverview> {
    const view = await this.progress();
    return this.#remote.guarded(() => studyOverview(this.#client, this.name, view, this.#causes));
  }

  /** The study's progress every few seconds, until it has ended. */
  async *watch({ seconds = 2 }: { seconds?: number } = {}): AsyncIterable<StudyView> {
    for (;;) {
      const view = await this.progress();
      yield view;
      if (view.ended) return;
      await sleep(seconds * 1000);
    }
  }

  /** Cells that failed or are skipped, with the causes, from the store. @throws TouchstoneError also of the store */
  async troubles(): Promise<Troubles> {
    const spec = await this.#remote.guarded(() => parsedSpec(this.#client, this.workflowId));
    return spec === undefined ? { failed: [], skipped: [] } : findTroubles(spec);
  }

  /** What `touchstone study plan --measure` said of it on this machine; undefined where it wasn't asked. */
  async forecast(): Promise<Forecast | undefined> {
    const spec = await this.#remote.guarded(() => parsedSpec(this.#client, this.workflowId));
    return spec === undefined ? undefined : rememberedForecast(spec);
  }

  isRunning(): Promise<boolean> {
    return this.#remote.isRunning();
  }

  /**
   * Waits for the end.
   * @throws TouchstoneError as the study failed: StudyIncomplete when cells did, Cancelled, or what planning found
   */
  result(): Promise<StudySummary> {
    return this.#remote.result();
  }

  /** No new block or task starts; what runs is finished. */
  async pause(part: Part = {}): Promise<void> {
    await this.#told(part, (workflow) => workflow.executeUpdate(pauseUpdate));
  }

  async resume(part: Part = {}): Promise<void> {
    await this.#told(part, (workflow) => workflow.executeUpdate(resumeUpdate));
  }

  /** Cells that run at a time, until the study ends; started again, it has its specification's. */
  async setConcurrency(cells: number, part: Part = {}): Promise<void> {
    await this.#told(part, (workflow) => workflow.executeUpdate(setConcurrencyUpdate, { args: [{ cells }] }));
  }

  /** Leaves out a cell that isn't done, until `retryFailed`. @param cell MODEL/METHOD/SOURCE-nSIZE-setSET */
  async skipCell(cell: string, reason: string): Promise<void> {
    await this.#told({}, (workflow) => workflow.executeUpdate(skipCellUpdate, { args: [{ cell, reason }] }));
  }

  /** Ends the study, or one model's sweep and not the others; what is done is kept, and starting it again goes on from there. */
  async cancel(part: Part = {}): Promise<void> {
    await this.#told(part, (workflow) => workflow.cancel());
  }

  /**
   * Writes the report as `index.html`, `report.csv` and `report.json`; of a study that runs, of what is done by now.
   * @throws TouchstoneError InvalidData when the study ended before it had a report
   */
  async report(folder: string): Promise<string> {
    const address = (await this.isRunning())
      ? await this.#remote.guarded(() => this.#remote.handle.executeUpdate(reportUpdate))
      : (await this.progress()).report;
    if (address !== null) return downloadReport(address, folder);
    throw new TouchstoneError("InvalidData", {
      what: "The study ended before it had a report",
      where: `study ${this.name}`,
      todo: "Start it again: it goes on from where it was.",
    });
  }

  /** Tries failed and skipped cells again: at once in a study that runs, by starting it again in one that has ended. */
  async retryFailed(part: Part = {}): Promise<void> {
    if (await this.isRunning()) await this.#told(part, (workflow) => workflow.executeUpdate(retryFailedUpdate));
    else await this.#remote.guarded(this.#restart);
  }

  async #told(part: Part, tell: (workflow: WorkflowHandle) => Promise<unknown>): Promise<void> {
    const id = part.model === undefined ? this.workflowId : sweepWorkflowId(this.name, part.model);
    try {
      await this.#remote.answered(() => tell(this.#client.workflow.getHandle(id)));
    } catch (error) {
      const isAway = error instanceof TouchstoneError && error.type === "UnknownStudy" && part.model !== undefined;
      if (!isAway) throw error;
      throw new TouchstoneError("UnknownStudy", {
        what: `No sweep of ${part.model} is running: it is done, its turn has not come, or there is no such model`,
        where: `study ${this.name}`,
        todo: `\`touchstone study status ${this.name}\` shows them.`,
      });
    }
  }

  #query<Progress>(workflowId: string): Promise<Progress> {
    return this.#remote.answered(() => this.#client.workflow.getHandle(workflowId).query<Progress>("progress"));
  }
}

import { setTimeout as sleep } from "node:timers/promises";
import { type Client, WorkflowFailedError, type WorkflowHandle } from "@temporalio/client";
import { type ErrorType, TouchstoneError } from "../study/errors.js";
import { studyWorkflowId } from "../study/names.js";
import type {
  CellProgress,
  StudyOverview,
  StudyProgress,
  StudySummary,
  StudyView,
  SweepProgress,
} from "../study/progress.js";
import { rootFailure } from "../workflows/failures.js";
import { pauseUpdate, reportUpdate, resumeUpdate, retryFailedUpdate } from "../workflows/messages.js";
import type { study } from "../workflows/study.js";
import { secondsLeft } from "./estimate.js";
import { downloadReport } from "./report-files.js";
import { studyOverview } from "./study-overview.js";
import { translated } from "./temporal-client.js";

const SHOWN_CELLS = 20;
const ANSWER_SECONDS = 10;

/** A study on the server. Methods throw TouchstoneError UnknownStudy or ServiceUnavailable. */
export class StudyHandle {
  readonly name: string;
  readonly workflowId: string;
  readonly #client: Client;
  readonly #workflow: WorkflowHandle<typeof study>;
  readonly #restart: () => Promise<void>;
  /** Of failed cells. */
  readonly #causes = new Map<string, string>();

  constructor(client: Client, name: string, restart: () => Promise<void>) {
    this.name = name;
    this.workflowId = studyWorkflowId(name);
    this.#client = client;
    this.#workflow = client.workflow.getHandle<typeof study>(this.workflowId);
    this.#restart = restart;
  }

  /** Where the study stands, with the cells that run now. */
  async progress(): Promise<StudyView> {
    const progress = await this.#query<StudyProgress>(this.workflowId);
    const sweeps = await this.#queryAll<SweepProgress>(progress.running);
    const cells = await this.#queryAll<CellProgress>(sweeps.flatMap(({ running }) => running).slice(0, SHOWN_CELLS));
    // What runs knows more than what it has told so far.
    const failed = Math.max(progress.failed, ...sweeps.map((each) => each.failed));
    // Before it has looked what is done, a sweep knows less than the plan.
    const running = Object.fromEntries(
      sweeps.flatMap(({ phase, model, total, done, failed: lost, methods }) => {
        return phase === "sampling" ? [] : [[model, { total, done, failed: lost, methods }]];
      }),
    );
    const models = { ...progress.models, ...running };
    return { ...progress, models, failed, cells, secondsLeft: secondsLeft(progress, sweeps, cells) };
  }

  /** The same, with the steps that workers have in hand, causes of failures, and the workers. */
  async overview(): Promise<StudyOverview> {
    const view = await this.progress();
    return this.#guarded(() => studyOverview(this.#client, this.name, view, this.#causes));
  }

  /** The study's progress every few seconds, until it has ended. */
  async *watch({ seconds = 2 }: { seconds?: number } = {}): AsyncIterable<StudyView> {
    for (;;) {
      const running = await this.isRunning();
      yield await this.progress();
      if (!running) return;
      await sleep(seconds * 1000);
    }
  }

  async isRunning(): Promise<boolean> {
    const { status } = await this.#guarded(() => this.#workflow.describe());
    return status.name === "RUNNING";
  }

  /**
   * Waits for the end.
   * @throws TouchstoneError as the study failed: StudyIncomplete when cells did, Cancelled, or what planning found
   */
  async result(): Promise<StudySummary> {
    try {
      return await this.#workflow.result();
    } catch (error) {
      if (!(error instanceof WorkflowFailedError)) throw translated(error, this.name);
      const { type, message } = rootFailure(error.cause);
      const named = type === "CancelledFailure" || type === "TerminatedFailure" ? "Cancelled" : (type as ErrorType);
      throw new TouchstoneError(named, { what: message, where: `study ${this.name}` }, { cause: error });
    }
  }

  /** No new block or task starts; what runs is finished. */
  async pause(): Promise<void> {
    await this.#answered(() => this.#workflow.executeUpdate(pauseUpdate));
  }

  async resume(): Promise<void> {
    await this.#answered(() => this.#workflow.executeUpdate(resumeUpdate));
  }

  /** Ends the study; what is done is kept, and starting it again goes on from there. */
  async cancel(): Promise<void> {
    await this.#guarded(() => this.#workflow.cancel());
  }

  /**
   * Writes the report as `index.html`, `report.csv` and `report.json`; of a study that runs, of what is done by now.
   * @throws TouchstoneError InvalidData when the study ended before it had a report
   */
  async report(folder: string): Promise<string> {
    const address = (await this.isRunning())
      ? await this.#guarded(() => this.#workflow.executeUpdate(reportUpdate))
      : (await this.#query<StudyProgress>(this.workflowId)).report;
    if (address !== null) return downloadReport(address, folder);
    throw new TouchstoneError("InvalidData", {
      what: "The study ended before it had a report",
      where: `study ${this.name}`,
      todo: "Start it again: it goes on from where it was.",
    });
  }

  /** Tries failed cells again: at once in a study that runs, by starting it again in one that has ended. */
  async retryFailed(): Promise<void> {
    if (await this.isRunning()) await this.#answered(() => this.#workflow.executeUpdate(retryFailedUpdate));
    else await this.#guarded(this.#restart);
  }

  async #queryAll<Progress>(workflowIds: readonly string[]): Promise<Progress[]> {
    const answers = await Promise.allSettled(workflowIds.map((id) => this.#query<Progress>(id)));
    // One that ended between two queries is left out.
    return answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
  }

  #query<Progress>(workflowId: string): Promise<Progress> {
    return this.#answered(() => this.#client.workflow.getHandle(workflowId).query<Progress>("progress"));
  }

  /** Workers answer queries and updates: without a deadline these would hang where there is none. */
  #answered<T>(work: () => Promise<T>): Promise<T> {
    return this.#guarded(() => this.#client.withDeadline(Date.now() + ANSWER_SECONDS * 1000, work));
  }

  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw translated(error, this.name);
    }
  }
}

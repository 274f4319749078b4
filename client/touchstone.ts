import {
  type Client,
  type Workflow,
  type WorkflowExecutionInfo,
  WorkflowIdConflictPolicy,
  WorkflowIdReusePolicy,
  WorkflowNotFoundError,
  type WorkflowStartOptions,
} from "@temporalio/client";
import { conflictsOf, isSameStudy } from "../study/amendment.js";
import { TouchstoneError } from "../study/errors.js";
import { searchWorkflowId, studyWorkflowId, taskQueues } from "../study/names.js";
import { parseStudySpec, type StudySpec, type StudySpecInput } from "../study/spec.js";
import { attributes } from "../workflows/attributes.js";
import type { search } from "../workflows/search.js";
import type { StudyOptions, study } from "../workflows/study.js";
import { SearchHandle } from "./search-handle.js";
import { useServices } from "./services.js";
import { StudyHandle } from "./study-handle.js";
import { failureOf, givenSpec, parsedSpec } from "./study-run.js";
import { connectTemporal, translated, unknownStudy } from "./temporal-client.js";

/** A search as the server lists it. */
export interface SearchListing {
  name: string;
  /** Temporal's word: RUNNING, COMPLETED, FAILED, CANCELLED, TERMINATED, ... */
  status: string;
  /** Name of the failure of one that FAILED. */
  cause: string | null;
  started: Date;
}

/** A study as the server lists it. */
export interface StudyListing extends SearchListing {
  /** Cells. */
  done: number;
  failed: number;
}

/**
 * Starts studies from programs, and finds those that run.
 *
 *     const touchstone = await Touchstone.connect();
 *     const study = await touchstone.start({ name: "my-study", models: [...], sources: [...], methods: [...], ... });
 *     for await (const { done, total } of study.watch()) console.log(`${done} of ${total} cells`);
 *     const { report } = await study.result();
 */
export class Touchstone {
  readonly #client: Client;

  private constructor(client: Client) {
    this.#client = client;
  }

  /** By the standard Temporal and AWS variables, else to the services that `touchstone up` started. @throws TouchstoneError ServiceUnavailable */
  static async connect(): Promise<Touchstone> {
    await useServices();
    return new Touchstone(await connectTemporal());
  }

  /**
   * Starts a study, resumes it, or extends it: what is in the store is not computed again. Of one that runs already the handle is
   * returned.
   * @param options.unskip compute skipped cells after all
   * @throws TouchstoneError InvalidStudySpec, UnknownMethod; StudyNameTaken when another specification runs under the name
   */
  async start(specification: StudySpecInput, options: Pick<StudyOptions, "unskip"> = {}): Promise<StudyHandle> {
    const spec = parseStudySpec(specification);
    const workflowId = studyWorkflowId(spec.name);
    await this.#startOnce<typeof study>("study", spec, {
      workflowId,
      args: [specification, options],
      staticSummary: `calibration study ${spec.name}`,
    });
    return this.study(spec.name);
  }

  /**
   * Starts a search for the best calibration set of each model and method, or resumes it: `search.budget` says what may be spent. Of
   * one that runs already the handle is returned.
   * @throws TouchstoneError as `start`
   */
  async search(specification: StudySpecInput): Promise<SearchHandle> {
    const spec = parseStudySpec(specification);
    const workflowId = searchWorkflowId(spec.name);
    await this.#startOnce<typeof search>("search", spec, {
      workflowId,
      args: [specification],
      staticSummary: `search ${spec.name} for the best calibration set`,
    });
    return new SearchHandle(this.#client, spec.name);
  }

  /** A study that was started before. */
  study(name: string): StudyHandle {
    return new StudyHandle(this.#client, name, () => this.#restart(name));
  }

  /**
   * What was started under a name before, a study or a search; where there are both, the later one.
   * @throws TouchstoneError UnknownStudy where there is neither
   */
  async find(name: string): Promise<StudyHandle | SearchHandle> {
    const ids = [studyWorkflowId(name), searchWorkflowId(name)];
    const [ofStudy, ofSearch] = await Promise.all(ids.map((id) => this.#started(id, name)));
    if (ofStudy === undefined && ofSearch === undefined) throw unknownStudy(name);
    const isSearch = ofStudy === undefined || (ofSearch !== undefined && ofSearch > ofStudy);
    return isSearch ? new SearchHandle(this.#client, name) : this.study(name);
  }

  /** The latest run of each study that the server remembers, the latest first. */
  async *list(): AsyncIterable<StudyListing> {
    for await (const { found, listing } of this.#listed("study")) {
      const count = (key: string) => Number(found.searchAttributes[key]?.[0] ?? 0);
      yield { ...listing, done: count("TouchstoneDone"), failed: count("TouchstoneFailed") };
    }
  }

  /** The same of searches, whose rounds are studies. */
  async *listSearches(): AsyncIterable<SearchListing> {
    for await (const { listing } of this.#listed("search")) yield listing;
  }

  async *#listed(type: "study" | "search"): AsyncIterable<{ found: WorkflowExecutionInfo; listing: SearchListing }> {
    const seen = new Set<string>();
    for await (const found of this.#client.workflow.list({ query: `WorkflowType = "${type}"` })) {
      const { workflowId, status, startTime: started } = found;
      if (seen.has(workflowId)) continue;
      seen.add(workflowId);
      const failure = status.name === "FAILED" ? await failureOf(this.#client.workflow.getHandle(workflowId)) : null;
      const name = workflowId.slice(`${type}/`.length);
      yield { found, listing: { name, status: status.name, cause: failure?.type ?? null, started } };
    }
  }

  async close(): Promise<void> {
    await this.#client.connection.close();
  }

  /** When its latest run began; undefined where there is none. */
  async #started(workflowId: string, name: string): Promise<Date | undefined> {
    try {
      return (await this.#client.workflow.getHandle(workflowId).describe()).startTime;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw translated(error, name);
    }
  }

  /** @throws TouchstoneError StudyNameTaken when another specification runs under the id */
  async #startOnce<T extends Workflow>(
    type: string,
    spec: StudySpec,
    options: Pick<WorkflowStartOptions<T>, "workflowId" | "args" | "staticSummary">,
  ): Promise<void> {
    try {
      await this.#client.workflow.start<T>(type, {
        ...options,
        taskQueue: taskQueues.orchestration,
        workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
        workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
        typedSearchAttributes: attributes({ TouchstoneStudy: spec.name }),
      } as WorkflowStartOptions<T>);
      const running = await parsedSpec(this.#client, options.workflowId);
      if (running === undefined || !isSameStudy(running, spec)) throw nameTaken(running, spec, options.workflowId);
    } catch (error) {
      throw translated(error, spec.name);
    }
  }

  /** Starts an ended study again with the specification that its last run was given, skipped cells too. */
  async #restart(name: string): Promise<void> {
    await this.start(await givenSpec(this.#client, studyWorkflowId(name)), { unskip: true });
  }
}

function nameTaken(running: StudySpec | undefined, spec: StudySpec, where: string): TouchstoneError {
  const conflicts = running === undefined ? ["another specification"] : conflictsOf(running, spec);
  if (conflicts.length > 0) {
    return new TouchstoneError("StudyNameTaken", {
      what: `A study ${spec.name} is running, and this specification doesn't only extend it: ${conflicts.join("; ")}`,
      where,
      todo: "Give this one another name.",
    });
  }
  return new TouchstoneError("StudyNameTaken", {
    what: `The study ${spec.name} is running, and can't be extended meanwhile`,
    where,
    todo: "Wait for its end, or cancel it; then start this specification: only what is new is computed.",
  });
}

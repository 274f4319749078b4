import {
  type Client,
  defaultPayloadConverter,
  WorkflowIdConflictPolicy,
  WorkflowIdReusePolicy,
} from "@temporalio/client";
import { identity } from "../storage/identity.js";
import { TouchstoneError } from "../study/errors.js";
import { studyWorkflowId, taskQueues } from "../study/names.js";
import { lastingSpec, parseStudySpec, type StudySpecInput } from "../study/spec.js";
import { codecKeys, payloadCodec } from "../workers/encryption.js";
import { attributes } from "../workflows/attributes.js";
import type { study } from "../workflows/study.js";
import { useServices } from "./services.js";
import { StudyHandle } from "./study-handle.js";
import { connectTemporal, translated } from "./temporal-client.js";

/** A study as the server lists it. */
export interface StudyListing {
  name: string;
  /** Temporal's word: RUNNING, COMPLETED, FAILED, CANCELLED, TERMINATED, ... */
  status: string;
  done: number;
  failed: number;
  started: Date;
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
   * Starts a study, or resumes it: of one that runs already the handle is returned; of one that has ended, what is in the
   * store is not computed again.
   * @throws TouchstoneError InvalidStudySpec, UnknownMethod; StudyNameTaken when another specification runs under the name
   */
  async start(specification: StudySpecInput): Promise<StudyHandle> {
    const spec = parseStudySpec(specification);
    const workflowId = studyWorkflowId(spec.name);
    const digest = identity(lastingSpec(spec));
    try {
      await this.#client.workflow.start<typeof study>("study", {
        workflowId,
        taskQueue: taskQueues.orchestration,
        args: [specification],
        workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
        workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
        typedSearchAttributes: attributes({ TouchstoneStudy: spec.name }),
        memo: { specification: digest },
        staticSummary: `calibration study ${spec.name}`,
      });
      const { memo } = await this.#client.workflow.getHandle(workflowId).describe();
      if (memo?.specification === undefined || memo.specification === digest) return this.study(spec.name);
    } catch (error) {
      throw translated(error, spec.name);
    }
    throw new TouchstoneError("StudyNameTaken", {
      what: `A study ${spec.name} with another specification is running`,
      where: workflowId,
      todo: "Give this one another name, or cancel that one.",
    });
  }

  /** A study that was started before. */
  study(name: string): StudyHandle {
    return new StudyHandle(this.#client, name, () => this.#restart(name));
  }

  /** The studies that the server remembers, the latest first. */
  async *list(): AsyncIterable<StudyListing> {
    for await (const found of this.#client.workflow.list({ query: 'WorkflowType = "study"' })) {
      const count = (key: string) => Number(found.searchAttributes[key]?.[0] ?? 0);
      yield {
        name: found.workflowId.replace(/^study\//, ""),
        status: found.status.name,
        done: count("TouchstoneDone"),
        failed: count("TouchstoneFailed"),
        started: found.startTime,
      };
    }
  }

  async close(): Promise<void> {
    await this.#client.connection.close();
  }

  /** Starts an ended study again with the specification that its last run was given. */
  async #restart(name: string): Promise<void> {
    const { history } = await this.#client.workflowService.getWorkflowExecutionHistory({
      namespace: this.#client.options.namespace,
      execution: { workflowId: studyWorkflowId(name) },
      maximumPageSize: 1,
    });
    const payload = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0];
    if (payload === undefined || payload === null) throw new RangeError(`the history of ${name} has no input`);
    const [plain] = await payloadCodec(codecKeys()).decode([payload]);
    await this.start(defaultPayloadConverter.fromPayload<StudySpecInput>(plain));
  }
}

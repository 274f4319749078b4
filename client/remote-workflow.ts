import {
  type Client,
  type Workflow,
  WorkflowFailedError,
  type WorkflowHandle,
  type WorkflowResultType,
} from "@temporalio/client";
import { TouchstoneError } from "../study/errors.js";
import { rootFailure } from "../workflows/failures.js";
import { translated } from "./temporal-client.js";

const ANSWER_SECONDS = 10;

/** A workflow of ours on the server, as handles have it. Methods throw TouchstoneError in place of Temporal's own errors. */
export class RemoteWorkflow<T extends Workflow> {
  readonly handle: WorkflowHandle<T>;

  /** @param kind what it is, for messages: a study, a search */
  constructor(
    private readonly client: Client,
    private readonly kind: string,
    private readonly name: string,
    workflowId: string,
  ) {
    this.handle = client.workflow.getHandle<T>(workflowId);
  }

  async isRunning(): Promise<boolean> {
    const { status } = await this.guarded(() => this.handle.describe());
    return status.name === "RUNNING";
  }

  /** Waits for the end. @throws TouchstoneError as the workflow failed */
  async result(): Promise<WorkflowResultType<T>> {
    try {
      return await this.handle.result();
    } catch (error) {
      if (!(error instanceof WorkflowFailedError)) throw translated(error, this.name);
      const { type, message, at } = rootFailure(error.cause);
      const where = [`${this.kind} ${this.name}`, ...(at === null ? [] : [at])].join(", ");
      throw new TouchstoneError(type, { what: message, where }, { cause: error });
    }
  }

  /** Workers answer queries and updates: without a deadline these would hang where there is none. */
  answered<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    return this.guarded(() => this.client.withDeadline(Date.now() + ANSWER_SECONDS * 1000, work));
  }

  async guarded<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    try {
      return await work();
    } catch (error) {
      throw translated(error, this.name);
    }
  }
}

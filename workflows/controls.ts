import { setHandler } from "@temporalio/workflow";
import { type Order, requireConcurrency, requireSkip } from "../study/controls.js";
import { TouchstoneError } from "../study/errors.js";
import type { StudyRef } from "../study/plan.js";
import { asRootFailure } from "./failures.js";
import { pauseUpdate, resumeUpdate, retryFailedUpdate, setConcurrencyUpdate, skipCellUpdate } from "./messages.js";
import { dataSteps } from "./proxies.js";

export interface Controlled {
  /** undefined while nothing is planned. */
  study(): StudyRef | undefined;
  models(): readonly string[];
  /** Called when a skipped cell is recorded. */
  obey(control: Order): Promise<void>;
  /** Returns how many cells there are to try. */
  retry(): Promise<number>;
}

/** Answers the updates that studies and sweeps have in common. A wrong request is refused before it is in the history. */
export function answerControls({ study, models, obey, retry }: Controlled): void {
  setHandler(pauseUpdate, () => obey({ kind: "pause" }));
  setHandler(resumeUpdate, () => obey({ kind: "resume" }));
  setHandler(retryFailedUpdate, retry);
  setHandler(
    skipCellUpdate,
    async ({ cell, reason }) => {
      const ref = study();
      if (ref === undefined) throw asRootFailure(stillPlanned());
      const order = await dataSteps(`skip ${cell}`)
        .skipCell({ study: ref, cell, reason })
        .catch((error) => {
          throw asRootFailure(error);
        });
      await obey(order);
    },
    {
      validator: (request) => {
        if (study() === undefined) throw asRootFailure(stillPlanned());
        refusing(() => requireSkip(request, models()));
      },
    },
  );
  setHandler(setConcurrencyUpdate, ({ cells }) => obey({ kind: "setConcurrency", cells }), {
    validator: (request) => refusing(() => requireConcurrency(request)),
  });
}

/** Of an error of our own the server would keep the class's name, not the failure's. */
function refusing(check: () => void): void {
  try {
    check();
  } catch (error) {
    throw asRootFailure(error);
  }
}

function stillPlanned(): TouchstoneError {
  return new TouchstoneError("ServiceUnavailable", {
    what: "The study's cells are not known yet",
    todo: "Try again when it is planned.",
  });
}

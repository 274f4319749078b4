import { HubApiError } from "@huggingface/hub";
import { TouchstoneError } from "../study/errors.js";
import { datasetPage, type Hub } from "./hub.js";

/** What was asked for when something went wrong. */
export interface Asked {
  dataset: string;
  revision: string;
  /** File or folder in the repository. */
  path?: string;
}

/** What an exception while the hub was asked means; AccessDenied, InvalidData, or ServiceUnavailable (retryable). */
export function hubError(cause: unknown, hub: Hub, asked: Asked): TouchstoneError {
  if (cause instanceof TouchstoneError) return cause;
  if (cause instanceof HubApiError) return refusal(cause.statusCode, cause.message, hub, asked);
  const { message, cause: deeper } = cause as Error;
  const reason = deeper instanceof Error ? `${message}: ${deeper.message}` : message;
  return new TouchstoneError(
    "ServiceUnavailable",
    {
      what: `The hub can't be reached, or breaks off: ${reason}`,
      where: placeOf(hub, asked),
      todo: "Check the network and HF_ENDPOINT, and run the same command again: it goes on where it stopped.",
    },
    { cause },
  );
}

/** What an answer that isn't what was asked for means. */
export function refusal(status: number, message: string, hub: Hub, asked: Asked): TouchstoneError {
  const where = placeOf(hub, asked);
  const page = datasetPage(hub, asked.dataset);
  if (status === 401 || status === 403) {
    const token = hub.token === undefined ? "No token was given. " : "";
    return new TouchstoneError("AccessDenied", {
      what: `The hub gives ${asked.dataset} only to those it knows (${status}): ${message}`,
      where,
      todo: `${token}Open ${page} in a browser, log in and accept its terms; then set HF_TOKEN to an access token of that account (${hub.endpoint}/settings/tokens). If there is no such page, the data set was removed.`,
    });
  }
  if (status === 404) {
    return new TouchstoneError("InvalidData", {
      what: `The hub has no such data set, revision or file (404): ${message}`,
      where,
      todo: `It may have moved: look at ${page}, and name another revision with --revision.`,
    });
  }
  const busy = status === 429;
  return new TouchstoneError("ServiceUnavailable", {
    what: busy ? `The hub takes no more requests for now (429): ${message}` : `The hub answers ${status}: ${message}`,
    where,
    todo: `${busy ? "A token (HF_TOKEN) raises the limit. " : ""}Run the same command later: it goes on where it stopped.`,
  });
}

function placeOf(hub: Hub, { dataset, revision, path }: Asked): string {
  return `${datasetPage(hub, dataset)}, revision ${revision}${path === undefined ? "" : `, ${path}`}`;
}

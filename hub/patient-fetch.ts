import { setTimeout as sleep } from "node:timers/promises";

export interface Patience {
  /** Requests before giving up. */
  attempts?: number;
  /** Before the second request, where the hub doesn't say how long; doubled each time. */
  firstWaitMs?: number;
  /** Is told of every wait. */
  onWait?: (line: string) => void;
}

/** The hub counts requests over five minutes: nobody who asks for longer wants us back. */
const LONGEST_WAIT_MS = 310_000;

/**
 * `fetch` that tries again after 429 and 5xx, as long after as `Retry-After` says, and after failures of the connection.
 * The last answer is given back, whatever it is; the last failure is thrown.
 */
export function patientFetch({ attempts = 6, firstWaitMs = 1000, onWait = () => {} }: Patience): typeof fetch {
  return async (input, init) => {
    for (let attempt = 1; ; attempt++) {
      const backoff = firstWaitMs * 2 ** (attempt - 1);
      const answer = await fetch(input, init).catch((error: unknown) => {
        if (attempt === attempts) throw error;
        return error;
      });
      if (!(answer instanceof Response)) {
        onWait(`The connection failed; trying again in ${seconds(backoff)}`);
        await sleep(backoff);
        continue;
      }
      const wait = retryAfter(answer) ?? backoff;
      if (!isPassing(answer.status) || attempt === attempts || wait > LONGEST_WAIT_MS) return answer;
      await answer.body?.cancel();
      onWait(`The hub answers ${answer.status}; trying again in ${seconds(wait)}`);
      await sleep(wait);
    }
  };
}

function isPassing(status: number): boolean {
  return status === 429 || (status >= 500 && status !== 501);
}

/** Milliseconds; seconds or a date in the header (RFC 9110, 10.2.3). */
function retryAfter({ headers }: Response): number | undefined {
  const text = headers.get("Retry-After")?.trim();
  if (!text) return undefined;
  const wait = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isNaN(wait) ? undefined : Math.max(0, wait);
}

function seconds(ms: number): string {
  return `${Math.ceil(ms / 1000)} s`;
}

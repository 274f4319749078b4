import { decodeLayer } from "../compression/stored-layer.js";
import { decodeArrow } from "../storage/arrow.js";
import { arrowDifference, valuesDifference } from "../storage/arrow-difference.js";
import { type Manifest, peekContent } from "../storage/checkpoints.js";
import { identity, sha256 } from "../storage/identity.js";
import type { ObjectStore } from "../storage/store.js";
import { TouchstoneError } from "../study/errors.js";
import type { RecordedStep } from "./cell-manifest.js";

/** Where a step that was computed anew parts from the recorded one. */
export interface StepDifference {
  /** The object: a linear's name, `samples`, `set`; or what the manifest says (`facts.error`). */
  object: string;
  /** In words: where in it, and by how much. */
  what: string;
}

/**
 * The first difference between a recorded step and the same computed anew; undefined where all bytes are the same. Durations
 * aren't results.
 * @param stored has the recorded bytes, where they are to be had: they are compared too, as they lie there
 * @param anew has the new ones
 */
export async function stepDifference(
  recorded: RecordedStep,
  computed: Manifest,
  stored: Pick<ObjectStore, "read"> | undefined,
  anew: Pick<ObjectStore, "read">,
): Promise<StepDifference | undefined> {
  if (recorded.objects === undefined) return { object: "manifest", what: "it was altered in the store" };
  const names = new Set([...Object.keys(computed.objects), ...Object.keys(recorded.objects)]);
  for (const object of names) {
    const [then, now] = [recorded.objects[object], computed.objects[object]];
    if (then === undefined || now === undefined)
      return { object, what: then === undefined ? "it is new" : "it is missing now" };
    const before = stored && (await peekContent(stored, then.sha256));
    const isAltered = before !== undefined && sha256(before) !== then.sha256;
    if (then.sha256 === now.sha256 && !isAltered) continue;
    const after = await peekContent(anew, now.sha256);
    const found = before && after && describe(recorded.kind, before, after, object);
    const note = isAltered ? "its bytes were altered in the store" : `SHA-256 ${now.sha256}, recorded ${then.sha256}`;
    return { object, what: [found, note].filter((part) => part !== undefined).join("; ") };
  }
  return factsDifference(untimed(recorded.facts), untimed(computed.facts), "facts");
}

function describe(kind: Manifest["kind"], before: Uint8Array, after: Uint8Array, object: string): string | undefined {
  try {
    const weights =
      kind === "block" ? valuesDifference(decodeLayer(before, object), decodeLayer(after, object)) : undefined;
    if (weights !== undefined) return `${weights.values} weights differ, by ${weights.largest} at most`;
    const found = arrowDifference(before, after, object);
    if (found === undefined) return "its values are the same, and what it says of them differs";
    const row = kind === "evaluation" ? requestOf(after, found.row) : `row ${found.row}`;
    const size = found.largest === null ? "" : `, by ${found.largest} at most`;
    return `column ${found.column} from ${row} on: ${found.values} values differ${size}`;
  } catch (error) {
    if (!(error instanceof TouchstoneError)) throw error;
    return `it can't be read: ${error.problem.what}`;
  }
}

/** Which request a row of samples is. */
function requestOf(samples: Uint8Array, row: number): string {
  const table = decodeArrow(samples, "samples");
  return `record ${table.numbers("record")[row]}, choice ${table.numbers("choice")[row]}`;
}

function untimed(facts: unknown): unknown {
  if (typeof facts !== "object" || facts === null) return facts;
  const { seconds: _, ...rest } = facts as Record<string, unknown>;
  return rest;
}

function factsDifference(then: unknown, now: unknown, path: string): StepDifference | undefined {
  if (identity(then ?? null) === identity(now ?? null)) return undefined;
  const inner = [then, now].every((value) => typeof value === "object" && value !== null);
  if (!inner) return { object: path, what: `${JSON.stringify(now)}, recorded ${JSON.stringify(then)}` };
  const [before, after] = [then, now] as Record<string, unknown>[];
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const found = keys.map((key) => factsDifference(before[key], after[key], `${path}.${key}`));
  return found.find((each) => each !== undefined);
}

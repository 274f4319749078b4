import { identity } from "../storage/identity.js";
import type { ObjectStore } from "../storage/store.js";
import { conflictsOf, parseLastingSpec } from "../study/amendment.js";
import { TouchstoneError } from "../study/errors.js";
import { lastingSpec, type StudySpec } from "../study/spec.js";

/** The specification that belongs to a name; undefined where there is none, or it was altered. */
export async function nameOwner(store: ObjectStore, name: string): Promise<StudySpec | undefined> {
  const bytes = await store.read(specKey(name));
  try {
    return bytes && parseLastingSpec(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return undefined;
  }
}

/** A name belongs to its first specification, and those that extend it. @throws TouchstoneError StudyNameTaken */
export async function requireOwnName(store: ObjectStore, spec: StudySpec): Promise<StudySpec | undefined> {
  const owner = await nameOwner(store, spec.name);
  const conflicts = owner === undefined ? [] : conflictsOf(owner, spec);
  if (conflicts.length === 0) return owner;
  throw new TouchstoneError("StudyNameTaken", {
    what: `There is a study ${spec.name} already, and this specification doesn't only extend it: ${conflicts.join("; ")}`,
    where: `s3://${store.location.bucket}/${specKey(spec.name)}`,
    todo: "Give this study another name; what both have in common is found and not computed again.",
  });
}

/**
 * Makes the specification the name's. Called when cells are about to be computed: one with a mistake in it must not take the name
 * from the one that corrects it.
 */
export async function claimName(store: ObjectStore, spec: StudySpec): Promise<void> {
  const lasting = lastingSpec(spec);
  const owner = await requireOwnName(store, spec);
  if (owner !== undefined && identity(lastingSpec(owner)) === identity(lasting)) return;
  await store.replace(specKey(spec.name), new TextEncoder().encode(JSON.stringify(lasting)), "application/json");
}

function specKey(name: string): string {
  return `v1/study/${name}/spec.json`;
}

import { fileDigest } from "../models/digest.js";
import { loadModel } from "../models/load.js";
import { NUMERICS_VERSION } from "../storage/identity.js";
import { TouchstoneError } from "../study/errors.js";
import { DEFINED, type Environment, type PlannedFile, type StudyPlan } from "../study/plan.js";
import type { CellCoordinates } from "../study/results.js";
import { isGiven } from "../study/source.js";
import { modelOf, sourceOf } from "./derivations.js";
import { sourceVersion } from "./planned-files.js";
import { currentEnvironment } from "./process-state.js";

/** What of the environment isn't as it was: `backend native-cpu-2.21.0, here native-cpu-2.20.0`. */
export async function environmentDifferences(then: Environment): Promise<string[]> {
  // A process computes with one number of threads, which is chosen before its backend is loaded.
  const here = await currentEnvironment();
  const names = { numerics: "version of the numerics", backend: "backend", threads: "threads" } as const;
  return (Object.keys(names) as (keyof Environment)[])
    .filter((key) => then[key] !== here[key])
    .map((key) => `${names[key]} ${then[key]}, here ${here[key]}`);
}

/** @throws TouchstoneError InvalidSettings where bytes can't be expected to be the same */
export async function requireSameEnvironment({ environment }: StudyPlan): Promise<void> {
  const different = await environmentDifferences(environment);
  if (different.length === 0) return;
  const older = environment.numerics === NUMERICS_VERSION ? "" : " or the version of Touchstone that computed it";
  throw new TouchstoneError("InvalidSettings", {
    what: `Equal bytes can't be expected here: it was computed with ${different.join("; ")}`,
    where: "environment",
    todo: `Use what it was computed with${older}; or give --anyway to see how far the results are apart.`,
  });
}

/**
 * Looks for everything that cells are computed from, before anything is computed.
 * @param options.evaluated whether evaluations are among what is computed
 * @throws TouchstoneError InvalidData naming all inputs that are gone or aren't what they were
 */
export async function requireInputs(
  plan: StudyPlan,
  cells: readonly CellCoordinates[],
  { evaluated = true }: { evaluated?: boolean } = {},
): Promise<void> {
  const wrong: string[] = [];
  const check = async (name: string, isSame: () => Promise<boolean>) => {
    try {
      if (!(await isSame())) wrong.push(`${name} has changed`);
    } catch (error) {
      if (!(error instanceof TouchstoneError)) throw error;
      wrong.push(`${name} is gone or can't be read`);
    }
  };
  const content = (title: string, { uri, version }: PlannedFile) =>
    check(`${title} ${uri}`, async () => (await fileDigest(uri)) === version);
  for (const id of new Set(cells.map(({ model }) => model))) {
    const { path } = modelOf(plan, id);
    await check(`the model ${id} (${path})`, async () => (await modelDigest(path)) === plan.models[id].digest);
  }
  for (const id of new Set(cells.flatMap(({ source }) => source ?? []))) {
    const given = isGiven(sourceOf(plan, id));
    for (const file of plan.sources[id].files) {
      const title = `the source ${id}'s file`;
      if (given) await content(title, file);
      else await check(`${title} ${file.uri}`, async () => (await sourceVersion(file.uri)).version === file.version);
    }
  }
  for (const [id, text] of evaluated ? Object.entries(plan.perplexity) : []) await content(`the text ${id}`, text);
  for (const [id, { records, examples }] of evaluated ? Object.entries(plan.tasks) : []) {
    await content(`the task ${id}'s file`, records);
    if (examples !== undefined && examples.version !== DEFINED) await content(`the task ${id}'s examples`, examples);
  }
  if (wrong.length === 0) return;
  throw new TouchstoneError("InvalidData", {
    what: `It can't be computed anew: ${wrong.join("; ")}`,
    where: `study ${plan.spec.name}`,
    todo: "Put back what was there; the manifest has the digests.",
  });
}

async function modelDigest(path: string): Promise<string> {
  const model = await loadModel(path);
  await model.close();
  return model.digest;
}

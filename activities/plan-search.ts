import { readTaskRecords } from "../evaluation/records.js";
import { studyTask } from "../evaluation/study-task.js";
import { besidePilot, costOf, halvingRungs, leastShare, type Rung, withPilot } from "../statistics/halving.js";
import { isDataFree } from "../study/cells.js";
import { TouchstoneError } from "../study/errors.js";
import type { SearchPlan, SearchRound } from "../study/search.js";
import { searchSchema } from "../study/search-setting.js";
import { parseStudySpec, type StudySpec } from "../study/spec.js";
import { isUnperturbed } from "../study/task-name.js";
import { completeSpec } from "./plan-study.js";

/**
 * The rounds of a search for the calibration set with the best mean accuracy, of each model and method on its own. Candidates are the
 * study's sets of all sources and sizes; methods that look at no data, noise replicates and `stopping` are left out. First come
 * each dense model and its pilot, on all records: of these, the rounds before the last score those of which the two are least certain.
 * @throws TouchstoneError for what is wrong with the specification alone, as `planStudy`; InvalidSettings where there is nothing to
 *   search, or the budget is too small
 */
export async function planSearch(input: unknown): Promise<SearchPlan> {
  const { stopping: _, search, ...spec } = await completeSpec(input);
  const { budget } = search ?? searchSchema.parse({});
  const methods = spec.methods.filter(({ method }) => !isDataFree(method));
  const counts = await recordCounts(spec);
  const candidates = spec.sources.length * spec.calibration.sizes.length * spec.calibration.sets;
  if (methods.length === 0 || counts.length === 0) {
    const missing = methods.length === 0 ? "method that uses calibration data" : "task with unperturbed inputs";
    throw invalid(`There is no ${missing}, so no set is better than another`, "Name one in the specification.");
  }
  const compressed = methods.length * candidates;
  const rungs = halvingRungs(candidates, counts, besidePilot(budget, compressed));
  if (rungs === undefined) {
    const least = Math.ceil(1000 * withPilot(leastShare(candidates, counts), compressed)) / 1000;
    throw invalid(
      `A budget of ${budget} is too small for ${candidates} sets of ${Math.max(...counts)} records`,
      `Give at least ${least}, or more sets or sources to search.`,
    );
  }
  const calibration = { ...spec.calibration, noiseReplicates: 0 };
  const roundOf = (
    rung: Rung & { pilot?: true },
    suffix: string,
    changes: Partial<StudySpec["evaluation"]>,
  ): SearchRound => {
    const evaluation = { ...spec.evaluation, ...changes };
    const study = { ...spec, name: `${spec.name}.${suffix}`, methods, calibration, evaluation };
    return { ...rung, study: parseStudySpec(study) };
  };
  const limit = Math.max(...counts);
  const rounds = rungs.map((rung, i) => {
    const isLast = i === rungs.length - 1;
    return roundOf(rung, `round${i + 1}`, isLast ? {} : { leastCertain: rung.limit, perplexity: [] });
  });
  const pilot = roundOf({ candidates: 1, limit, pilot: true }, "pilot", { perplexity: [] });
  const share = costOf(rungs, counts) / costOf([{ candidates, limit }], counts);
  return {
    name: spec.name,
    rounds: rungs.length === 1 ? rounds : [pilot, ...rounds],
    cost: withPilot(share, compressed),
  };
}

/** Records of each task whose inputs are as they are. */
async function recordCounts({ evaluation }: Pick<StudySpec, "evaluation">): Promise<number[]> {
  const { data = "", limit, tasks } = evaluation;
  const counts: number[] = [];
  for (const name of tasks.filter(isUnperturbed)) {
    const { records } = await readTaskRecords(data, studyTask(evaluation, name));
    counts.push(Math.min(records.length, limit ?? records.length));
  }
  return counts;
}

function invalid(what: string, todo: string): TouchstoneError {
  return new TouchstoneError("InvalidSettings", { what, where: "search", todo });
}

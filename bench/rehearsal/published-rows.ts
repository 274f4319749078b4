import { studyAnalyses } from "../../report/analyses.js";
import { headlines } from "../../report/measures.js";
import { studyStatistics } from "../../report/statistics.js";
import type { StudyResults } from "../../study/results.js";
import type { StudySpec } from "../../study/spec.js";

/**
 * What the published study's tables and figures need and a report lacks: the dense row of each model; the mean and deviation of each
 * model, method and source over all sets, and the extremes over them; the spread by model size; tuned models beside their bases.
 */
export function missingRows(spec: StudySpec, results: StudyResults): string[] {
  const statistics = studyStatistics(results);
  const analyses = studyAnalyses(results, statistics);
  const keys = headlines(statistics.measures).map(({ key }) => key);
  const rows = spec.models.flatMap(({ id }) => {
    const model = statistics.models.find((each) => each.model === id);
    const extremes = new Set(analyses.models.find((each) => each.model === id)?.extremes.map(({ method }) => method));
    const sources = (model?.methods ?? []).flatMap(({ method, sizes }) =>
      (sizes.at(-1)?.sources ?? []).map(({ source, measures }) => ({ method, source, measures })),
    );
    const wanted = spec.methods.length * spec.sources.length;
    const isWhole = ({ measures }: (typeof sources)[number]) =>
      keys.every((key) => measures[key].count + measures[key].excluded === spec.calibration.sets);
    return [
      ...(model?.dense == null ? [`${id}: the dense model`] : []),
      ...(sources.length === wanted ? [] : [`${id}: ${wanted - sources.length} of ${wanted} methods and sources`]),
      ...sources.filter((row) => !isWhole(row)).map(({ method, source }) => `${id}, ${method}, ${source}: some sets`),
      ...(extremes.size === spec.methods.length ? [] : [`${id}: extremes of each method`]),
    ];
  });
  const bases = spec.models.filter(({ base }) => base !== undefined);
  return [
    ...rows,
    ...bases
      .filter(({ id }) => !analyses.tunedPairs.some(({ tuned }) => tuned === id))
      .map(({ id, base }) => `${id} beside ${base}`),
    ...(analyses.modelSizes.length > 0 ? [] : ["the spread by model size"]),
  ];
}

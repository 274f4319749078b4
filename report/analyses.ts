import type { StudyResults } from "../study/results.js";
import { type Disagreement, disagreements } from "./disagreement.js";
import { type DoseSeries, doseSeries } from "./dose.js";
import { type Extremes, extremes } from "./extremes.js";
import { type LayerSensitivity, layerSensitivities } from "./layer-sensitivity.js";
import { type ModelSizeStatistics, modelSizeStatistics } from "./model-size.js";
import { type Recommendation, recommendations } from "./recommendation.js";
import { type SizeCurve, sizeCurves } from "./size-curve.js";
import { sufficientSizes } from "./size-curve-table.js";
import type { StudyStatistics } from "./statistics.js";
import { type TunedPair, tunedPairs } from "./tuned-pairs.js";

/** What a study says across set sizes, strengths, layers and models; plain JSON. */
export interface StudyAnalyses {
  models: readonly ModelAnalyses[];
  modelSizes: readonly ModelSizeStatistics[];
  tunedPairs: readonly TunedPair[];
}

export interface ModelAnalyses {
  model: string;
  recommendations: readonly Recommendation[];
  sizeCurves: readonly SizeCurve[];
  doses: readonly DoseSeries[];
  extremes: readonly Extremes[];
  disagreements: readonly Disagreement[];
  layers: readonly LayerSensitivity[];
}

export function studyAnalyses(results: StudyResults, statistics: StudyStatistics): StudyAnalyses {
  return {
    models: statistics.models.map((model) => {
      const curves = sizeCurves(results, statistics, model);
      return {
        model: model.model,
        recommendations: recommendations(statistics, model, sufficientSizes(curves, statistics.measures)),
        sizeCurves: curves,
        doses: doseSeries(results, model),
        extremes: extremes(results, statistics, model),
        disagreements: disagreements(results, statistics, model),
        layers: layerSensitivities(results, model),
      };
    }),
    modelSizes: modelSizeStatistics(results, statistics),
    tunedPairs: tunedPairs(results, statistics),
  };
}

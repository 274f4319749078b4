import type { StudyResults } from "../study/results.js";
import type { ModelAnalyses, StudyAnalyses } from "./analyses.js";
import { disagreementTable } from "./disagreement-table.js";
import { doseSection } from "./dose-figure.js";
import { extremesTable } from "./extremes-table.js";
import { layerSection } from "./layer-figure.js";
import { html, type Markup } from "./markup.js";
import { modelSizeSection } from "./model-size-figure.js";
import { sizeCurveSection } from "./size-curve-table.js";
import type { ModelStatistics, StudyStatistics } from "./statistics.js";
import { tunedPairSection } from "./tuned-pairs-table.js";

/** One model's set sizes, strengths, layers, and where its two kinds of figures disagree. */
export function modelAnalysisSections(
  results: StudyResults,
  statistics: StudyStatistics,
  model: ModelStatistics,
  { sizeCurves, doses, layers, disagreements, extremes }: ModelAnalyses,
): Markup {
  const { measures } = statistics;
  const disagreeing = disagreementTable(model.model, disagreements, measures);
  return html`${sizeCurveSection(model.model, sizeCurves, measures)}
${doseSection(results, statistics, model, doses)}
${extremes.length > 0 ? html`<details><summary>Best and worst set of each task</summary>${extremesTable(model.model, extremes, measures)}</details>` : null}
${disagreeing && html`<details><summary>Where perplexity and accuracy disagree</summary>${disagreeing}</details>`}
${layerSection(model, layers)}`;
}

/** Models beside one another, and in words what the study has too little of. */
export function studyAnalysisSections(statistics: StudyStatistics, analyses: StudyAnalyses): Markup {
  const missing = missingOf(analyses);
  return html`${modelSizeSection(analyses.modelSizes, statistics.measures)}
${tunedPairSection(analyses.tunedPairs, statistics.measures)}
${missing.length > 0 ? html`<details><summary>What this study can't say</summary><ul class="details">${missing.map((text) => html`<li>${text}</li>`)}</ul></details>` : null}`;
}

function missingOf({ models, modelSizes, tunedPairs }: StudyAnalyses): string[] {
  const none = (of: (model: ModelAnalyses) => readonly unknown[]) => models.every((model) => of(model).length === 0);
  return [
    ...(none(({ sizeCurves }) => sizeCurves)
      ? [
          "How many examples suffice: it needs finished cells of a method that uses data with two sizes of sets or more (calibration.sizes).",
        ]
      : []),
    ...(none(({ doses }) => doses)
      ? [
          "How figures go with bits or sparsity: it needs a method that stands several times under methods, all else equal.",
        ]
      : []),
    ...(modelSizes.length === 0
      ? [
          "Whether larger models are more robust: it needs models of three sizes whose ids differ in the size alone, such as llama-7b, llama-13b and llama-33b.",
        ]
      : []),
    ...(tunedPairs.length === 0
      ? ["Whether instruction tuning changes the spread: it needs a model whose base is named (models: base)."]
      : []),
    ...(none(({ layers }) => layers)
      ? [
          "Which layers depend most on the data: it needs cells of gptq, spqr or sparsegpt that were compressed with this version.",
        ]
      : []),
  ];
}

import { stringify } from "yaml";
import type { StudyResults } from "../study/results.js";
import type { ModelAnalyses, StudyAnalyses } from "./analyses.js";
import { modelAnalysisSections, studyAnalysisSections } from "./analysis-sections.js";
import { answersTable } from "./answers.js";
import { cellTable } from "./cell-table.js";
import {
  contaminationTable,
  costTable,
  failedTable,
  nullControlTable,
  skippedTable,
  unseenTable,
} from "./check-tables.js";
import { htmlDocument } from "./document.js";
import { finding, incompleteness, overview } from "./finding.js";
import { inspectionSection } from "./inspection/section.js";
import { html, type Markup } from "./markup.js";
import { headlines, unperturbed } from "./measures.js";
import { countOf, formatSpread } from "./numbers.js";
import { pageScript, scriptDigest } from "./page-script.js";
import { figureShapes, sizeFigure, spreadFigure } from "./panels.js";
import { robustnessSection } from "./robustness.js";
import { sharesTable } from "./shares-table.js";
import { sourceChoiceSection } from "./source-differences.js";
import type { ModelStatistics, StudyStatistics } from "./statistics.js";
import { stoppingTable } from "./stopping-text.js";
import { pageStyle } from "./style.js";
import { agreementTable, differenceTable, noiseTable, sizeTable, sourceTable } from "./tables.js";

/**
 * The report as one page, which loads nothing and runs nothing but its own script: its policy forbids that as well. All text of
 * the study is escaped. Without scripts all figures are there. The same results give the same bytes.
 */
export function renderHtml(results: StudyResults, statistics: StudyStatistics, analyses: StudyAnalyses): string {
  const general = overview(statistics);
  const notice = incompleteness(results);
  const page = document(
    `${results.name} – calibration study`,
    html`<header>
<p class="overline">Calibration-data study</p>
<h1>${results.name}</h1>
<p class="meta">${scope(results, statistics)}</p>
${general && html`<p class="lead">${general}</p>`}
${statistics.models.length === 1 ? lead(statistics.models[0], statistics) : null}
${notice && html`<p class="alert" role="note">${notice}</p>`}
</header>
<main id="content">
${figureShapes(results)}
${tiles(results, statistics)}
${answersTable(statistics, analyses)}
${statistics.models.map((model, i) => modelSection(results, statistics, model, analyses.models[i]))}
${studyAnalysisSections(statistics, analyses)}
${inspectionSection(results)}
<section><h2>Checks</h2>${checks(results, statistics)}</section>
<section><h2>Cells</h2>${cells(results, statistics)}</section>
<section><h2>Settings and provenance</h2>${provenance(results)}</section>
</main>`,
  );
  return page.text;
}

/** A page of the report's looks: its content is a header and what is in `main`. */
export function document(title: string, content: Markup): Markup {
  const script = { text: pageScript, digest: scriptDigest };
  return htmlDocument(
    { title, style: pageStyle, script },
    html`<a class="skip" href="#content">To the figures</a>
<div class="page">
${content}
</div>`,
  );
}

function scope(results: StudyResults, { models, measures }: StudyStatistics): string {
  const compressed = results.cells.filter(({ method }) => method !== null);
  const distinct = (values: readonly unknown[]) => new Set(values).size;
  const methods = distinct(models.flatMap((model) => model.methods.map(({ method }) => method)));
  const evaluations = measures.filter(({ kind }) => ["task", "perplexity", "perturbed"].includes(kind)).length;
  return [
    models.length === 1 ? models[0].model : countOf(models.length, "model"),
    countOf(methods, "method"),
    countOf(distinct(compressed.map(({ source }) => source)), "source"),
    `${countOf(distinct(compressed.map(({ set }) => set)), "set")} a source`,
    countOf(evaluations, "evaluation"),
    ...chosenRecords(results),
  ].join(" · ");
}

/** Accuracies of such records are below those of all. */
function chosenRecords({ cells }: StudyResults): string[] {
  const evaluations = cells.flatMap((cell) => cell.evaluations).filter(({ chosen }) => chosen !== undefined);
  const most = Math.max(...evaluations.map(({ count }) => count));
  return evaluations.length === 0
    ? []
    : [`${countOf(most, "record")} a task, of which the dense model and the pilot are least certain`];
}

function lead(model: ModelStatistics, statistics: StudyStatistics): Markup {
  const { summary, details } = finding(model, statistics);
  const items = details.map(({ method, text }) => html`<li><strong>${method}</strong> ${text}</li>`);
  return html`<p class="lead">${summary}</p>${items.length > 0 ? html`<ul class="details">${items}</ul>` : null}`;
}

/** The figures a reader looks for first. */
function tiles({ cells, failed, skipped, pending = [] }: StudyResults, { models, measures }: StudyStatistics): Markup {
  const controls = models.flatMap(({ methods }) => methods.flatMap(({ nullControl }) => nullControl ?? []));
  const broken = controls.filter(({ verdict }) => verdict === "fail").length;
  const tested = controls.filter(({ verdict }) => verdict !== "unmeasured").length;
  const [headline] = headlines(measures);
  const floors =
    headline === undefined ? [] : models.flatMap(({ methods }) => methods.map(({ noise }) => noise[headline.key]));
  const spreads = floors.filter(({ verdict }) => verdict !== "dataFree");
  const judged = spreads.filter(({ verdict }) => verdict !== "unmeasured");
  const widest = Math.max(...spreads.map(({ sets }) => (sets.max ?? 0) - (sets.min ?? 0)));
  const unit = headline?.kind === "perplexity" ? "" : " points";
  return html`<ul class="tiles">
<li><span>cells finished</span><strong>${cells.length} of ${cells.length + failed.length + skipped.length + pending.length}</strong></li>
${spreads.length > 0 && headline ? html`<li><span>widest range, ${headline.id}</span><strong>${formatSpread(widest, headline.kind)}${unit}</strong></li>` : null}
<li><span>spreads clearly above noise</span><strong>${judged.length === 0 ? "not measured" : `${judged.filter(({ verdict }) => verdict === "above").length} of ${judged.length}`}</strong></li>
<li class="${tested === 0 ? "" : broken > 0 ? "fail" : "pass"}"><span>null controls, spread exactly 0</span><strong>${tested === 0 ? "none" : `${tested - broken} of ${tested} pass`}</strong></li>
</ul>`;
}

function modelSection(
  results: StudyResults,
  statistics: StudyStatistics,
  model: ModelStatistics,
  analyses: ModelAnalyses,
): Markup {
  const { measures } = statistics;
  const several = statistics.models.length > 1;
  const sizes = [...new Set(model.methods.flatMap((method) => method.sizes.map(({ size }) => size)))].sort(
    (a, b) => a - b,
  );
  const others = sizes.slice(0, -1).reverse();
  const more = [differenceTable(model, measures), agreementTable(model, measures), costTable(results, model)];
  return html`<section>
${several ? html`<h2>${model.model}</h2>${lead(model, statistics)}` : html`<h2>Calibration sets side by side</h2>`}
${headlines(measures).map((measure) => spreadFigure(results, statistics, model, measure))}
${headlines(measures).map((measure) => sizeFigure(results, statistics, model, measure))}
<h2>Sources and tasks${sizes.length > 1 ? `, ${countOf(sizes.at(-1) ?? 0, "sequence")} a set` : ""}</h2>
${sourceTable(model, unperturbed(measures))}
${others.map((size) => html`<details><summary>${countOf(size, "sequence")} a set</summary>${sourceTable(model, unperturbed(measures), { size })}</details>`)}
${sourceChoiceSection(statistics, model, analyses.recommendations)}
${stoppingTable(results, model.model)}
<h2>Data or noise?</h2>
${noiseTable(model, measures)}
${sharesTable(model, measures)}
${model === statistics.models[0] ? howToReadNoise : null}
${sizes.length > 1 ? sizeTable(model, measures) : null}
${modelAnalysisSections(results, statistics, model, analyses)}
${robustnessSection(results, statistics, model)}
<details><summary>Methods compared, storage and time</summary>${more}</details>
</section>`;
}

const howToReadNoise = html`<p class="note">Noise: the weights are multiplied by 1 + 10⁻⁶ · normal noise with one calibration set held fixed. A spread over sets is
called clearly above noise if its standard deviation is more than twice the noise's and the ratio is significant (F test on the variances, one-sided, 5 %, unadjusted for the
number of comparisons); perhaps above noise if it is more than twice, but not significant; and within noise otherwise. “Variance from source” is the source's variance component in a one-way analysis of variance.</p>`;

function checks(results: StudyResults, { models }: StudyStatistics): Markup {
  const excluded = models.flatMap(({ methods }) =>
    methods.flatMap(({ sizes }) => sizes.flatMap(({ pooled }) => Object.values(pooled))),
  );
  const nonFinite = excluded.reduce((sum, summary) => sum + summary.excluded, 0);
  const { failed } = results;
  return html`${nullControlTable(models)}
${nonFinite > 0 ? html`<p class="note">†: ${countOf(nonFinite, "figure")} ${nonFinite === 1 ? "is" : "are"} NaN or infinite, as badly damaged models give; left out of means and deviations.</p>` : null}
${failed.length > 0 ? failedTable(results) : html`<p class="note">No cell failed.</p>`}
${skippedTable(results)}
${unseenTable(results)}
${contaminationNote(results)}`;
}

function cells(results: StudyResults, { measures }: StudyStatistics): Markup {
  return html`<p class="note">What all other figures are made of, and lead to. Downloads hold accuracies in 0..1 with all their digits.</p>
${cellTable(results, measures)}`;
}

function contaminationNote(results: StudyResults): Markup | null {
  if (results.contaminationUnknown)
    return html`<p class="note">Evaluation records are looked for in the calibration sets when the study ends.</p>`;
  if (results.contamination.length > 0) return contaminationTable(results);
  const tasks = results.cells.some(({ evaluations }) => evaluations.some(({ kind }) => kind === "task"));
  return tasks ? html`<p class="note">No evaluation record was found in a calibration set.</p>` : null;
}

function provenance({ spec, environment, cells }: StudyResults): Markup {
  const sets = cells.filter(({ calibrationDigest, noise }) => calibrationDigest !== null && noise === null);
  const digests = new Map(
    sets.map((cell) => [`${cell.source} · ${cell.size} · set ${cell.set}`, cell.calibrationDigest]),
  );
  return html`<details><summary>Specification</summary><pre>${stringify(spec ?? {}, { lineWidth: 100 })}</pre></details>
<details><summary>Environment</summary><dl>${Object.entries(environment).map(([key, value]) => html`<dt>${key}</dt><dd>${value}</dd>`)}</dl></details>
<details><summary>Calibration sets (${digests.size})</summary><dl>${[...digests].map(([name, digest]) => html`<dt>${name}</dt><dd><code>${digest}</code></dd>`)}</dl></details>`;
}

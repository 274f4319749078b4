import type { Comparison, ComparisonFigures } from "../statistics/comparisons.js";
import type { ComparisonFamily } from "../statistics/study-comparisons.js";
import { groupAnchor } from "./anchors.js";
import { guessedTaskText } from "./guessed-tasks.js";
import { html, type Markup } from "./markup.js";
import { countOf, formatLevel, formatPValue, formatSpread, MISSING } from "./numbers.js";
import type { Recommendation } from "./recommendation.js";
import type { ModelStatistics, StudyStatistics } from "./statistics.js";
import { type Column, cellsLink, entry, table } from "./table.js";

/** Which source to take, what that is known from, and the other paired comparisons. Undefined where no task was scored. */
export function sourceChoiceSection(
  statistics: StudyStatistics,
  model: ModelStatistics,
  recommendations: readonly Recommendation[],
): Markup | undefined {
  if (!statistics.measures.some(({ kind }) => kind === "tasksMean")) return undefined;
  const { outcomesMissing, comparisons, models } = statistics;
  if (outcomesMissing !== null) {
    return html`<h2>Which source?</h2><p class="note">Sources can't be compared record by record. ${outcomesMissing}</p>`;
  }
  const own = comparisons.filter((family) => family.model === model.model);
  const ofSources = own.filter(({ kind }) => kind === "source");
  const largest = Math.max(...ofSources.map(({ size }) => size ?? 0));
  const paragraphs = recommendations.map(({ method, text }) => html`<li><strong>${method}</strong> ${text}</li>`);
  const warnings = model.guessedTasks.map((task) => html`<p class="note">${guessedTaskText(task)}</p>`);
  const across = model === models.at(-1) ? comparisons.filter((family) => family.model === null) : [];
  const tables = [
    familyTable(
      "Methods on the same sets",
      own.filter(({ kind }) => kind === "method"),
      sizeLabel,
    ),
    familyTable(
      "Set sizes: what more sequences bring",
      own.filter(({ kind }) => kind === "size"),
      methodLabel,
    ),
    familyTable("Models: what compression costs, accuracy less the dense model's", across, methodLabel),
    familyTable(
      "Sources at smaller set sizes",
      ofSources.filter(({ size }) => size !== largest),
      bothLabels,
    ),
  ].filter((each) => each !== undefined);
  return html`<h2>Which source?</h2>
${paragraphs.length > 0 ? html`<ul class="details">${paragraphs}</ul>` : html`<p class="note">One source, or no method that uses data: there is no choice to make.</p>`}
${warnings}
${familyTable(
  `Mean accuracy by source, pair by pair, ${countOf(largest, "sequence")} a set`,
  ofSources.filter(({ size }) => size === largest),
  methodLabel,
)}
${model === models[0] ? howToReadDifferences : null}
${tables.length > 0 ? html`<details><summary>Methods, sizes and models compared pair by pair</summary>${tables}</details>` : null}`;
}

const methodLabel = ({ method }: ComparisonFamily) => method ?? MISSING;
const sizeLabel = ({ size }: ComparisonFamily) => countOf(size ?? 0, "sequence");
const bothLabels = (family: ComparisonFamily) => `${methodLabel(family)}, ${sizeLabel(family)}`;

/** A group of rows for each family; undefined where there is none. */
function familyTable(
  caption: string,
  families: readonly ComparisonFamily[],
  label: (family: ComparisonFamily) => string,
): Markup | undefined {
  if (families.length === 0) return undefined;
  const ofSources = families[0].kind === "source";
  const columns: Column[] = [
    { text: "first − second" },
    "sets",
    html`difference<small>points</small>`,
    "95 % interval",
    "corrected p",
    "effect size",
    ...(ofSources ? ["P(first better)"] : []),
    html`smallest detectable<small>points</small>`,
  ];
  const bodies = families.map((family) => {
    const title = html`<tr class="group"><th scope="rowgroup" colspan="${columns.length}">${label(family)}</th></tr>`;
    return html`<tbody>${title}${family.comparisons.map((each) => row(each, family, columns.length))}</tbody>`;
  });
  return table(caption, columns, bodies);
}

function row({ first, second, sets, figures, missing }: Comparison, family: ComparisonFamily, columns: number): Markup {
  const side = (name: string) => cellsLink(name, sideAnchor(name, family));
  const name = html`<th scope="row">${side(first)} − ${side(second)}</th><td>${sets[0] === sets[1] ? sets[0] : `${sets[0]}, ${sets[1]}`}</td>`;
  if (figures === null) return html`<tr>${name}<td class="text" colspan="${columns - 2}">${missing}</td></tr>`;
  const { value, low, high, correctedP, effectSize, superiority, detectable } = figures;
  return html`<tr>${name}${entry(signed(value), value)}${entry(`${signed(low)} … ${signed(high)}`, { low, high })}
${entry(formatPValue(correctedP), correctedP)}${entry(effectSize === null ? MISSING : withSign(effectSize, Math.abs(effectSize).toFixed(1)), effectSize)}
${family.kind === "source" ? betterEntry(superiority) : null}${entry(formatSpread(detectable, "task"), detectable)}</tr>`;
}

function betterEntry(superiority: ComparisonFigures["superiority"]): Markup {
  if (superiority === null) return html`<td>${MISSING}</td>`;
  const { probability, low, high } = superiority;
  return entry(`${share(probability)} (${share(low)} … ${share(high)})`, { value: probability, low, high });
}

/** Where the page lists the cells of one side. */
function sideAnchor(name: string, { kind, model, method, size }: ComparisonFamily): string {
  if (kind === "model") return groupAnchor({ model: name, method: method ?? "" });
  if (kind === "method") return groupAnchor({ model: model ?? "", method: name });
  const group = { model: model ?? "", method: method ?? "" };
  return groupAnchor(kind === "source" ? { ...group, source: name, size } : group);
}

/** Points with their sign. */
function signed(value: number): string {
  return withSign(value, formatLevel(Math.abs(value), "task"));
}

function withSign(value: number, size: string): string {
  return `${value < 0 ? "−" : "+"}${size}`;
}

function share(probability: number): string {
  return probability.toFixed(2);
}

const howToReadDifferences = html`<p class="note">Differences of the tasks' mean, paired over the evaluation records, which all cells share. Intervals and p count for other
sets of the same sources and for other records: the variance between sets and the paired variance over records, with Satterthwaite's degrees of freedom. p is two-sided and corrected by Holm's
method over the rows of its group. Effect size: the difference in standard deviations between sets of one source (where the same sets are compared: of the paired differences). P(first better): how probable it
is that a new set of the first source gives a better model than a new one of the second, ties half, with its 95 % interval. Smallest detectable: the true difference that a study of
this design finds with a probability of 80 %.</p>`;

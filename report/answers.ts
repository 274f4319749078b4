import type { StudyAnalyses } from "./analyses.js";
import { groupAnchor } from "./anchors.js";
import { html, type Markup } from "./markup.js";
import { formatLevel, formatSpread, listOf, MISSING } from "./numbers.js";
import type { Recommendation } from "./recommendation.js";
import type { ModelStatistics, StudyStatistics } from "./statistics.js";
import { cellsLink, entry, table } from "./table.js";

/** What a reader came for, one line a model and method; the recommendations and tables below say why. Undefined where there is no choice. */
export function answersTable(statistics: StudyStatistics, analyses: StudyAnalyses): Markup | undefined {
  const rows = statistics.models.flatMap((model, i) =>
    analyses.models[i].recommendations.map((recommendation) => answerRow(model, recommendation)),
  );
  if (rows.length === 0) return undefined;
  return html`<h2>Answers</h2>
${table(
  "Which text to calibrate with",
  [
    { text: "model" },
    { text: "method" },
    { text: "does the source matter?" },
    { text: "take" },
    html`mean accuracy<small>%</small>`,
    html`range over all sets<small>points</small>`,
  ],
  [html`<tbody>${rows}</tbody>`],
)}`;
}

const matters = { matters: "yes", notShown: "not shown", tooFewSets: "too few sets to say" } as const;

function answerRow(model: ModelStatistics, { method, verdict, source, alike }: Recommendation): Markup {
  const size = model.methods.find((each) => each.method === method)?.sizes.at(-1);
  const mean = size?.sources.find((each) => each.source === source)?.measures.tasksMean?.mean ?? null;
  const pooled = size?.pooled.tasksMean;
  const range = pooled?.max == null || pooled.min == null ? null : pooled.max - pooled.min;
  const group = { model: model.model, method };
  const all = groupAnchor(group);
  const own = groupAnchor({ ...group, source, size: size?.size });
  return html`<tr><th scope="row">${model.model}</th><td class="text">${cellsLink(method, all)}</td><td class="text">${matters[verdict]}</td><td class="text">${range === 0 ? "any; all sets gave the same" : takeText(verdict, source, alike)}</td>
${entry(mean === null ? MISSING : formatLevel(mean, "tasksMean"), mean, own)}
${entry(range === null ? MISSING : formatSpread(range, "tasksMean"), range, all)}</tr>`;
}

/** The source with the highest mean first, and those that serve as well for all that is known. */
function takeText(verdict: Recommendation["verdict"], source: string | null, alike: readonly string[]): string {
  if (source === null) return MISSING;
  if (verdict === "notShown") return `any; ${source} was highest`;
  return alike.length === 0 ? source : `${source}, or ${listOf(alike)}`;
}

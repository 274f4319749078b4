import type { Inspection, SetFindings } from "../../calibration/inspection/findings.js";
import { flagNames } from "../../calibration/inspection/flags.js";
import { languagesText, share } from "../../report/inspection/figures.js";
import { formatCount, renderTable } from "./output.js";

/** What `--json` prints: all figures, and of each sequence what was found, without its text. */
export function inspectionJson({ sets, sources }: Inspection, page: string) {
  return {
    page,
    sources,
    sets: sets.map(({ found, ...figures }) => ({
      ...figures,
      flagged: countFlags(found),
      found: found.map(({ text: _, runs: __, ...rest }) => rest),
    })),
  };
}

/** A row a set. */
export function renderInspection({ sets }: Inspection, page: string): string {
  const withRecords = sets.some(({ records }) => records !== null);
  const withPerplexity = sets.some(({ perplexity }) => perplexity !== null);
  const head = [
    ...["set", "sequences", "tokens", "near-duplicates", "vocabulary", "repeated"],
    ...(withRecords ? ["records"] : []),
    ...(withPerplexity ? ["perplexity", "stand out"] : []),
  ];
  const rows = sets.map((set) => [
    ...[set.name, String(set.sequences), formatCount(set.tokens)],
    String(set.found.filter(({ duplicates }) => duplicates.length > 0).length),
    ...[`${(100 * set.vocabulary).toFixed(1)} %`, share(set.repeated)],
    ...(withRecords ? [String(set.records ?? "")] : []),
    ...(withPerplexity
      ? [set.perplexity?.median?.toFixed(2) ?? "", String((set.perplexity?.high ?? 0) + (set.perplexity?.low ?? 0))]
      : []),
    languagesText(set),
  ]);
  const figures = head.map((_, i) => i).slice(1);
  return `${renderTable([...head, "languages"], rows, figures)}\n\n${page}\n`;
}

function countFlags(found: SetFindings["found"]) {
  return Object.fromEntries(flagNames.map((flag) => [flag, found.filter(({ flags }) => flags.includes(flag)).length]));
}

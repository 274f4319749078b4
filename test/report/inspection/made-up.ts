import { indexRecords } from "../../../calibration/contamination.js";
import type { Inspection } from "../../../calibration/inspection/findings.js";
import { inspectSets } from "../../../calibration/inspection/inspect-sets.js";
import { BOS, english, GERMAN, setOfTexts, wordTokenizer } from "../../calibration/inspection/words.js";

const FOOTER =
  "This entry was posted in News by the editors and tagged with several words . Bookmark the permalink or read the next article below .";
export const QUESTION =
  "When a farmer waters a dry field in the early morning most of the water stays in the ground and does not evaporate.";
export const TITLE = "Two <made-up> sources";

/** Two sources with a sequence for every flag, markup and control characters in texts, and many sequences with nothing to say of. */
export async function madeUpInspection({ many = 6, perplexities = true } = {}): Promise<Inspection> {
  const tokenizer = wordTokenizer(2000);
  const usual = (seed: number) => Array.from({ length: many }, (_, i) => english(seed * 50 + i, 8));
  const web = [
    `${BOS} ${QUESTION} ${english(901, 4)}`,
    english(50, 8),
    `${GERMAN} ${GERMAN} ${GERMAN}`,
    ...[902, 903, 904].map((seed) => `${english(seed, 3)} ${FOOTER} ${english(seed + 10, 4)}`),
    `<script>alert("no")</script> <b>bold</b> https://example.org/page ${english(905, 6)}`,
    `Bell \u0007 and right-to-left \u202e override, a zero\u200bwidth space & an emoji 👩‍👩‍👧 ${english(906, 6)}`,
    Array.from({ length: 90 }, (_, i) => `${i}={${i * 7}};`).join(" "),
  ];
  const sets = [
    setOfTexts(tokenizer, "news", "news, set 0", usual(1)),
    setOfTexts(tokenizer, "news", "news, set 1", usual(2)),
    setOfTexts(tokenizer, "web/pages", "web/pages, set 0", web),
  ];
  const values = sets.map(({ set }) => set.sequences.map((_, i) => 18 + (i % 5)));
  values[2][8] = 950;
  const tasks = [{ task: "quiz", index: indexRecords(["Something else", QUESTION]) }];
  return inspectSets(sets, tokenizer, { tasks, ...(perplexities ? { perplexities: values } : {}) });
}

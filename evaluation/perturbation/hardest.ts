import type { Answer } from "../metrics.js";

/**
 * Of each record's variants the one with the lowest margin, the first of equals: an adversary who may choose among them.
 * @param answers variant after variant, record after record
 * @param variants of each record
 */
export function hardestVariants(answers: readonly Answer[], variants: number): Answer[] {
  return Array.from({ length: answers.length / variants }, (_, record) =>
    answers
      .slice(record * variants, (record + 1) * variants)
      .reduce((hardest, answer) => (isHarder(margin(answer), margin(hardest)) ? answer : hardest)),
  );
}

/** Log-likelihood of the right answer less that of the best wrong one, or all there is of one answer. */
function margin({ question, scores }: Answer): number {
  const likelihoods = scores.map(({ loglikelihood }) => loglikelihood);
  if (question.form === "completion") return likelihoods[0];
  const wrong = likelihoods.filter((_, choice) => choice !== question.gold);
  return likelihoods[question.gold] - Math.max(...wrong);
}

/** NaN is hardest: nothing is known there. */
function isHarder(margin: number, than: number): boolean {
  return margin < than || (Number.isNaN(margin) && !Number.isNaN(than));
}

import type { StudyModel, StudyResults } from "../study/results.js";
import { headlines, type Measure } from "./measures.js";
import { type RankAgreement, rankAgreement } from "./ranks.js";
import type { MethodStatistics, StudyStatistics } from "./statistics.js";

/** How the spread over calibration sets goes with the size of the models of one family. */
export interface ModelSizeStatistics {
  /** What their ids have in common: all but the size. */
  family: string;
  /** From small to large. */
  models: readonly { id: string; parameters: number }[];
  methods: readonly MethodDispersion[];
}

export interface MethodDispersion {
  method: string;
  /** The measure's key. */
  measure: string;
  /**
   * Of each model: the standard deviation over all sets of its largest size; of perplexities as a share of their mean, since a larger
   * model's are lower. null: fewer than two finite figures.
   */
  spreads: readonly (number | null)[];
  /** With the parameters: negative where larger models are more robust. */
  agreement: RankAgreement;
}

/** Fewer sizes have no trend. */
export const FEWEST_SIZES = 3;

/** Families whose sizes are too few, or not known, are left out. */
export function modelSizeStatistics(results: StudyResults, statistics: StudyStatistics): ModelSizeStatistics[] {
  const { models = [] } = results;
  const families = [...new Set(models.map(({ id }) => familyOf(id)))];
  const isOf = (family: string) => models.filter(({ id }) => familyOf(id) === family);
  return families
    .map((family) => familyStatistics(family, isOf(family), statistics))
    .filter(({ models }) => new Set(models.map(({ parameters }) => parameters)).size >= FEWEST_SIZES);
}

/** `llama-7b` and `llama-13b` are of one family, `SmolLM2-135M-Instruct` and `SmolLM2-360M-Instruct` of another. */
export function familyOf(id: string): string {
  return id.replace(/[-_.]?(?<![a-z\d.])\d+(\.\d+)?[mb](?![a-z\d])/i, "");
}

function familyStatistics(
  family: string,
  all: readonly StudyModel[],
  { models, measures }: StudyStatistics,
): ModelSizeStatistics {
  const known = all
    .flatMap(({ id, parameters }) => {
      const statistics = models.find(({ model }) => model === id);
      return parameters === null || statistics === undefined ? [] : [{ id, parameters, methods: statistics.methods }];
    })
    .sort((a, b) => a.parameters - b.parameters);
  const using = known.flatMap(({ methods }) => methods.filter(({ dataFree }) => !dataFree));
  const labels = [...new Set(using.map(({ method }) => method))];
  return {
    family,
    models: known.map(({ id, parameters }) => ({ id, parameters })),
    methods: labels.flatMap((method) =>
      headlines(measures).map((measure) => {
        const spreads = known.map(({ methods }) =>
          spreadOf(
            methods.find((each) => each.method === method),
            measure,
          ),
        );
        const pairs = known.map(({ parameters }, i) => [parameters, spreads[i]] as const);
        return { method, measure: measure.key, spreads, agreement: rankAgreement(pairs) };
      }),
    ),
  };
}

function spreadOf(method: MethodStatistics | undefined, { key, kind }: Measure): number | null {
  const { mean = null, standardDeviation = null } = method?.sizes.at(-1)?.pooled[key] ?? {};
  if (standardDeviation === null || mean === null) return null;
  return kind === "perplexity" ? standardDeviation / mean : standardDeviation;
}

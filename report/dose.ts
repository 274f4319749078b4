import type { MethodSettings } from "../study/methods.js";
import type { StudyResults } from "../study/results.js";
import type { MethodStatistics, ModelStatistics } from "./statistics.js";

/** A method that stands several times in a study with all settings the same but how strongly it compresses. */
export interface DoseSeries {
  method: string;
  kind: "bits" | "pruned";
  dataFree: boolean;
  /** From weak to strong. */
  doses: readonly Dose[];
}

export interface Dose {
  /** `4 bits`, `50 %`, `2:4`. */
  label: string;
  /** The label of the method with this dose, whose statistics these are. */
  method: string;
  /** Bits, or the share of weights that are pruned. */
  value: number;
}

/** By method, in the order in which the study has them. */
export function doseSeries(results: StudyResults, { model, methods }: ModelStatistics): DoseSeries[] {
  const named = methods.flatMap(({ method, dataFree }) => {
    const settings = settingsOf(results, model, method);
    return settings === undefined ? [] : [{ method, dataFree, ...split(settings) }];
  });
  const series = [...new Set(named.map(({ others }) => others))].map((others) => {
    const entries = named.filter((entry) => entry.others === others);
    const [{ name, kind, dataFree }] = entries;
    const strength = ({ value }: Dose) => (kind === "bits" ? -value : value);
    const doses = entries.map(({ method, label, value }) => ({ method, label, value }));
    return { method: name, kind, dataFree, doses: doses.sort((a, b) => strength(a) - strength(b)) };
  });
  return series.filter(({ doses }) => doses.length > 1);
}

/** The figures of a dose; those of the largest sets. */
export function statisticsOf({ method }: Dose, { methods }: ModelStatistics): MethodStatistics | undefined {
  return methods.find((each) => each.method === method);
}

function settingsOf({ cells, failed }: StudyResults, model: string, label: string): MethodSettings | undefined {
  const cell = [...cells, ...failed].find((each) => each.model === model && each.methodLabel === label);
  return cell?.method ?? undefined;
}

/** The dose, and all that has to be the same. */
function split(settings: MethodSettings) {
  const { bits, sparsity, pattern, ...rest } = settings as MethodSettings & {
    bits?: number;
    sparsity?: number;
    pattern?: string;
  };
  const others = JSON.stringify(Object.entries(rest).sort());
  const name = settings.method;
  if (bits !== undefined) return { name, others, kind: "bits" as const, value: bits, label: `${bits} bits` };
  const kind = "pruned" as const;
  if (pattern === undefined) return { name, others, kind, value: sparsity ?? 0, label: `${100 * (sparsity ?? 0)} %` };
  const [pruned, of] = pattern.split(":").map(Number);
  return { name, others, kind, value: pruned / of, label: pattern };
}

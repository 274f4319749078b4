import { sampleStandardDeviation } from "simple-statistics";
import { Touchstone } from "../client/touchstone.js";
import { readFile } from "../storage/files.js";
import { homePath } from "../storage/home.js";
import { identity } from "../storage/identity.js";
import { type MethodSettings, methodSettingsSchema } from "../study/methods.js";
import type { CellResult, StudyResults } from "../study/results.js";
import type { StudySpecInput } from "../study/spec.js";
import type { BenchPart } from "./part.js";
import { referenceCases, referenceFile } from "./reference.js";
import { withWorker } from "./worker.js";

interface NoiseFigures {
  name: string;
  settings: MethodSettings;
  perplexity: number;
  /** How far each jitter of the weights moves the perplexity, relative to it. */
  changes: readonly number[];
  /** Of the changes. */
  standardDeviation: number;
  /** What jitters of the same size did to the reference implementations. */
  recorded: readonly number[];
}

const REPLICATES = 5;

/** How far rounding alone moves a compressed model: a study with noise replicates, on the reference values' tokens where they are. */
export const noisePart: BenchPart<NoiseFigures[]> = {
  title: `the numerical noise floor, ${REPLICATES} jitters a method`,
  usualSeconds: 1500,
  measure: async ({ model }) => {
    const methods = await noisyMethods();
    const results = await withWorker(() => runStudy(specification(model.path, methods)));
    return methods.map((method) => noiseOf(method, results.cells));
  },
  show: (measured) => ({
    head: [
      "method",
      "perplexity",
      ...Array.from({ length: REPLICATES }, (_, i) => `jitter ${i}`),
      "deviation",
      "recorded",
    ],
    rows: measured.map(({ name, perplexity, changes, standardDeviation, recorded }) => [
      name,
      perplexity.toFixed(3),
      ...changes.map(percent),
      percent(standardDeviation).replace("+", ""),
      recorded.map(percent).join(" "),
    ]),
    notes: [
      "weights x (1 + 1e-6 normal noise), one calibration set: changes of the perplexity, and their standard deviation",
      "recorded: the same of the reference implementations, where their values are there",
      "a study: it goes on where it was interrupted, and is read from the store where it is done",
    ],
  }),
};

type NoisyMethod = Pick<NoiseFigures, "name" | "settings" | "recorded">;

/** The cases for which the noise is recorded; without them, the methods that use data. */
async function noisyMethods(): Promise<NoisyMethod[]> {
  const recorded = Object.entries(await referenceCases()).flatMap(([name, { settings, noise }]): NoisyMethod[] =>
    settings === null || noise === undefined ? [] : [{ name, settings, recorded: noise }],
  );
  if (recorded.length > 0) return recorded;
  return (["gptq", "spqr", "sparsegpt", "wanda"] as const).map((method) => ({
    name: method,
    settings: methodSettingsSchema.parse({ method }),
    recorded: [],
  }));
}

/** Its objects lie under a prefix of their own, and stay. */
function specification(path: string, methods: readonly NoisyMethod[]): StudySpecInput {
  const [tokens, test] = [referenceFile("calibration_tokens.json"), referenceFile("test_tokens.json")];
  const given = {
    models: [{ id: "model", path }],
    sources: [
      tokens === undefined
        ? { id: "sotu", path: homePath("data", "corpora", "sotu.jsonl") }
        : { id: "reference", sets: [tokens] },
    ],
    methods: methods.map(({ settings }) => settings),
    calibration: { sizes: [16], length: 256, sets: 1, noiseReplicates: REPLICATES },
    evaluation: {
      perplexity: [
        test === undefined
          ? { id: "text", path: homePath("data", "heldout.txt"), length: 256, limit: 24 }
          : { id: "text", path: test },
      ],
    },
    checkpoints: { prefix: "bench/noise" },
    concurrency: { cells: 2 },
  } satisfies Omit<StudySpecInput, "name">;
  return { ...given, name: `noise-floor-${identity(given).slice(0, 8)}` };
}

async function runStudy(specification: StudySpecInput): Promise<StudyResults> {
  const touchstone = await Touchstone.connect();
  try {
    const { report } = await (await touchstone.start(specification)).result();
    const json = await readFile(report.replace(/html$/, "json"));
    return (JSON.parse(new TextDecoder().decode(json)) as { results: StudyResults }).results;
  } finally {
    await touchstone.close();
  }
}

/** @param cells of the study, this method's and others' */
export function noiseOf(method: NoisyMethod, cells: readonly CellResult[]): NoiseFigures {
  const own = cells.filter((cell) => identity(cell.method) === identity(method.settings));
  const perplexities = (noisy: boolean) => own.filter(({ noise }) => (noise !== null) === noisy).map(perplexityOf);
  const [perplexity] = perplexities(false);
  const changes = perplexities(true).map((value) => value / perplexity - 1);
  return { ...method, perplexity, changes, standardDeviation: sampleStandardDeviation(changes) };
}

function perplexityOf({ evaluations: [{ metrics }] }: CellResult): number {
  return metrics.perplexity.value ?? Number.NaN;
}

function percent(share: number): string {
  return `${share < 0 ? "" : "+"}${(100 * share).toFixed(2)} %`;
}

import { cpus } from "node:os";
import { sourceFiles } from "../../calibration/documents.js";
import { sampleSets } from "../../calibration/sample.js";
import type { Sequence } from "../../evaluation/requests.js";
import { loadModel } from "../../models/load.js";
import type { Model } from "../../models/model.js";
import { fileSize, isS3 } from "../../storage/files.js";
import { homePath } from "../../storage/home.js";
import { identity, NUMERICS_VERSION } from "../../storage/identity.js";
import { readLocalRecord, replaceLocalRecord } from "../../storage/local-record.js";
import { isDataFree } from "../../study/cells.js";
import { methodLabels } from "../../study/methods.js";
import type { MeasuredModel, MethodRates, ModelRates } from "../../study/rates.js";
import { isGiven } from "../../study/source.js";
import type { StudySpec } from "../../study/spec.js";
import { loadBackend } from "../../tensor/backend.js";
import { countEvaluations } from "./evaluation-work.js";
import { madeUp, measuredSizes, measureMethod, measureStates } from "./measure-compress.js";
import { measureReads, measureScoring } from "./measure-scoring.js";

/** Tokens of real requests that are scored for the measurement. */
const SCORED_TOKENS = 4096;
/** Sources that are read for the measurement: those that take seconds. */
const READ_BYTES = 64e6;

/**
 * Measures one model of a study in this process: its evaluations are counted on their records, and one block is computed, for
 * seconds. What was measured on this machine with these threads, this shape of model and these settings is not measured again.
 * @throws TouchstoneError as `loadModel`, `readTaskRecords`; InvalidSettings, NumericalError of the methods
 */
export async function measureModel(
  spec: StudySpec,
  id: string,
  report: (stage: string) => void,
): Promise<MeasuredModel> {
  const path = spec.models.find((model) => model.id === id)?.path ?? "";
  const backend = await loadBackend();
  const model = await loadModel(path);
  try {
    report(`counting evaluations of ${id}`);
    const counted = await countEvaluations(spec, model);
    const processBytes = process.memoryUsage().rss;
    const measured = measuredSizes(spec.calibration);
    const machine = { processor: cpus()[0]?.model, cores: cpus().length, ...backend, numerics: NUMERICS_VERSION };
    const { huggingFace: _, ...shape } = model.config;
    const place = { machine, shape: JSON.stringify(shape), file: path.replace(/^.*\./, ""), measured };
    const sample = sampleOf(
      counted.flatMap((each) => each.sample),
      model,
    );
    const works = counted.map(({ id: name, tokens }) => ({ name, tokens }));
    report(`measuring one block of ${id}: evaluation`);
    const common = await remembered({ ...place, works, sample: sample.length }, async () => ({
      read: await measureReads(model),
      scoring: await measureScoring(model, sample),
      ...(await measureStates(model, measured)),
    }));
    const methods: Record<string, MethodRates> = {};
    for (const [i, label] of methodLabels(spec.methods).entries()) {
      const settings = spec.methods[i];
      report(`measuring one block of ${id}: ${label}`);
      methods[label] = await remembered({ ...place, settings }, () =>
        measureMethod(model, settings, !isDataFree(settings.method), measured),
      );
    }
    const rates: ModelRates = { ...common, methods, processBytes };
    report(`measuring ${id}: calibration sets`);
    const evaluations = counted.map(({ sample: _, ...work }) => work);
    return { rates, evaluations, sampling: await measureSampling(spec, model) };
  } finally {
    await model.close();
  }
}

/** Some of them in turn from all evaluations; made-up ones where there are none. */
function sampleOf(sequences: readonly Sequence[], model: Model): Sequence[] {
  const total = sequences.reduce((sum, { tokens }) => sum + tokens.length, 0);
  const step = Math.max(1, Math.floor(total / SCORED_TOKENS));
  const some = sequences.filter((_, i) => i % step === 0);
  return some.length > 0 ? some : madeUp(model, 8, 256).map((tokens) => ({ tokens, from: 1 }));
}

/** Seconds to draw the sets of all sources; null where one is large or far. */
async function measureSampling(spec: StudySpec, model: Model): Promise<number | null> {
  const { sizes, sets, ...settings } = spec.calibration;
  let seconds = 0;
  for (const source of spec.sources) {
    if (isGiven(source)) continue;
    const files = await sourceFiles(source.path);
    const bytes = await Promise.all(files.map(async (file) => (isS3(file) ? Infinity : ((await fileSize(file)) ?? 0))));
    if (bytes.reduce((sum, size) => sum + size, 0) > READ_BYTES) return null;
    const started = performance.now();
    await sampleSets({
      ...{ source, files, tokenizer: await model.tokenizer() },
      settings: { ...settings, largestSize: Math.max(...sizes) },
      sets: Array.from({ length: sets }, (_, set) => set),
    });
    seconds += (performance.now() - started) / 1000;
  }
  return seconds;
}

async function remembered<T>(key: unknown, measure: () => Promise<T>): Promise<T> {
  const path = homePath("cache", "rates", `${identity(key)}.json`);
  const known = await readLocalRecord<T>(path);
  if (known !== undefined) return known;
  const measured = await measure();
  // A home that can't be written costs the measurement, and nothing else.
  await replaceLocalRecord(path, measured).catch(() => undefined);
  return measured;
}

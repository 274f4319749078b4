import type { BlockFacts } from "../activities/block-facts.js";
import type { EvaluationFacts } from "../activities/evaluate.js";
import type { StepName } from "../activities/steps.js";
import { connectTemporal } from "../client/temporal-client.js";
import { Touchstone } from "../client/touchstone.js";
import type { Manifest } from "../storage/checkpoints.js";
import { homePath } from "../storage/home.js";
import type { ObjectStore } from "../storage/store.js";
import { expandCells } from "../study/cells.js";
import { cellWorkflowId } from "../study/names.js";
import type { CellCoordinates } from "../study/results.js";
import { parseStudySpec, type StudySpecInput } from "../study/spec.js";
import { type StepTimes, stepTimes } from "./cell-times.js";

/** What a study's compressed cells took: each cell's steps by the server's clock, and their computing by the manifests. */
export interface StudyRun {
  /** Blocks of each cell. */
  steps: readonly (readonly StepTimes[])[];
  /** Of all cells. */
  evaluations: readonly StepTimes[];
  blocks: readonly BlockFacts["seconds"][];
  /** Of evaluations, the dense model's too; only where no two cells run at a time nobody waits in them. */
  evaluationSeconds: readonly number[];
}

const MODEL_ID = "model";

/**
 * Runs a study of GPTQ on `sets` sets of 16 x 256 tokens, of which the first `done` have been compressed by an earlier one in
 * the same place of the store, `cells` at a time.
 */
export async function runStudy(
  store: ObjectStore,
  path: string,
  { sets, done, cells }: { sets: number; done: number; cells: number },
): Promise<StudyRun> {
  const input = specification(store, path, sets, cells);
  const spec = parseStudySpec(input);
  const before = new Set(await storedManifests(store));
  const touchstone = await Touchstone.connect();
  try {
    await (await touchstone.start(input)).result();
  } finally {
    await touchstone.close();
  }
  const compressed = expandCells(spec, MODEL_ID).filter(({ set }) => set !== null && set >= done);
  const written = (await storedManifests(store)).filter((key) => !before.has(key));
  const [blocks, evaluations] = KINDS.map((kind) => written.filter((key) => key.startsWith(kind)));
  const steps = await readSteps(spec.name, compressed);
  const of = (name: StepName) => steps.map((own) => own.filter(({ step }) => step === name));
  return {
    steps: of("compressBlock"),
    evaluations: of("evaluate").flat(),
    blocks: (await readFacts<BlockFacts>(store, blocks)).map(({ seconds }) => seconds),
    evaluationSeconds: (await readFacts<EvaluationFacts>(store, evaluations)).map(({ seconds }) => seconds),
  };
}

const KINDS = ["v1/block/", "v1/evaluation/"] as const;

async function storedManifests(store: ObjectStore): Promise<string[]> {
  return (await Promise.all(KINDS.map((kind) => store.list(kind)))).flat();
}

function specification(store: ObjectStore, path: string, sets: number, cells: number): StudySpecInput {
  const { bucket, prefix } = store.location;
  return {
    name: `${prefix.replaceAll("/", "-")}-${cells}`,
    models: [{ id: MODEL_ID, path }],
    sources: [{ id: "sotu", path: homePath("data", "corpora", "sotu.jsonl") }],
    methods: [{ method: "gptq" }],
    calibration: { sizes: [16], length: 256, sets },
    evaluation: { perplexity: [{ id: "heldout", path: homePath("data", "heldout.txt"), length: 32, limit: 1 }] },
    checkpoints: { bucket, prefix },
    concurrency: { cells },
  };
}

async function readSteps(study: string, cells: readonly CellCoordinates[]): Promise<StepTimes[][]> {
  const client = await connectTemporal();
  try {
    const histories = cells.map((cell) => client.workflow.getHandle(cellWorkflowId(study, cell)).fetchHistory());
    return (await Promise.all(histories)).map(stepTimes);
  } finally {
    await client.connection.close();
  }
}

function readFacts<Facts>(store: ObjectStore, keys: readonly string[]): Promise<Facts[]> {
  return Promise.all(
    keys.map(async (key) => (JSON.parse(new TextDecoder().decode(await store.read(key))) as Manifest<Facts>).facts),
  );
}

import type { BlockFacts } from "../activities/block-facts.js";
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

/** What a study's compressed cells took: each cell's steps by the server's clock, and each block by its manifest. */
export interface StudyRun {
  steps: readonly (readonly StepTimes[])[];
  /** By the manifest's key. */
  blocks: ReadonlyMap<string, BlockFacts["seconds"]>;
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
  const before = new Set(await store.list(BLOCKS));
  const touchstone = await Touchstone.connect();
  try {
    await (await touchstone.start(input)).result();
  } finally {
    await touchstone.close();
  }
  const compressed = expandCells(spec, MODEL_ID).filter(({ set }) => set !== null && set >= done);
  const written = (await store.list(BLOCKS)).filter((key) => !before.has(key));
  return { steps: await readSteps(spec.name, compressed), blocks: await readBlocks(store, written) };
}

const BLOCKS = "v1/block/";

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
    return (await Promise.all(histories)).map((history) =>
      stepTimes(history).filter(({ step }) => step === "compressBlock"),
    );
  } finally {
    await client.connection.close();
  }
}

async function readBlocks(store: ObjectStore, keys: readonly string[]) {
  const read = async (key: string): Promise<[string, BlockFacts["seconds"]]> => {
    const manifest = JSON.parse(new TextDecoder().decode(await store.read(key))) as Manifest<BlockFacts>;
    return [key, manifest.facts.seconds];
  };
  return new Map(await Promise.all(keys.map(read)));
}

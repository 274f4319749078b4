import { loadModel } from "../models/load.js";
import type { Model } from "../models/model.js";
import { PACKED_FOLDER } from "../models/model-place.js";
import type { ModelFolder } from "../models/write-folder.js";
import { fileExists, joinUri, readFile } from "../storage/files.js";
import { TouchstoneError } from "../study/errors.js";
import type { BlockLinear } from "./linears.js";
import { MADE_OF_FILE, type MadeOf, madeOfSchema, SET_FILE } from "./made-of.js";
import { CARD_FILE, type CardFacts, modelCard } from "./model-card.js";
import { readStoredLayer, type StoredLayer } from "./stored-layer.js";

/** A compressed model as it is stored: its linears packed, all else as in the dense model. */
export interface PackedModel {
  /** Has everything but the linears of the blocks. */
  readonly rest: Model;
  readonly madeOf: MadeOf;
  /** The calibration set's file, where it is known. */
  readonly set?: Uint8Array;
  layer(block: number, linear: BlockLinear): Promise<StoredLayer>;
  close(): Promise<void>;
}

/**
 * A folder that `touchstone compress` wrote, or a dense export: the packed layers lie beside the dense weights.
 * @throws TouchstoneError as `loadModel`; InvalidModel where it has no packed layers
 */
export async function openPackedFolder(path: string): Promise<PackedModel> {
  const rest = await loadModel(path);
  try {
    const madeOf = await readMadeOf(path);
    const setUri = joinUri(path, SET_FILE);
    return {
      rest,
      madeOf,
      set: (await fileExists(setUri)) ? await readFile(setUri) : undefined,
      layer: async (_, { tensor }) => readLayer(joinUri(path, packedName(tensor))),
      close: () => rest.close(),
    };
  } catch (error) {
    await rest.close();
    throw error;
  }
}

/** Keeps an encoded layer in a model folder. */
export function writePackedLayer(folder: ModelFolder, tensor: string, bytes: Uint8Array): Promise<void> {
  return folder.writeFile(packedName(tensor), bytes);
}

/** What else goes into a model's folder. */
export interface Beside {
  /** Of the model card, Markdown. */
  sections: readonly string[];
  /** By their names, which may have a folder before them. */
  files: ReadonlyMap<string, string>;
}

/** Says in a model folder what the model was made of, and puts the calibration set beside it. */
export async function writeMadeOf(
  folder: ModelFolder,
  madeOf: MadeOf,
  set: Uint8Array | undefined,
  facts: Omit<CardFacts, "hasSet" | "sections">,
  { sections, files }: Beside = { sections: [], files: new Map() },
): Promise<void> {
  for (const [name, content] of files) await folder.writeFile(name, content);
  await folder.writeFile(MADE_OF_FILE, `${JSON.stringify(madeOf, null, 2)}\n`);
  await folder.writeFile(CARD_FILE, modelCard(madeOf, { ...facts, sections, hasSet: set !== undefined }));
  if (set !== undefined) await folder.writeFile(SET_FILE, set);
}

function packedName(tensor: string): string {
  return `${PACKED_FOLDER}/${tensor}.arrow`;
}

async function readMadeOf(path: string): Promise<MadeOf> {
  const uri = joinUri(path, MADE_OF_FILE);
  if (!(await fileExists(uri))) throw notPacked(path, `it has no ${MADE_OF_FILE}`);
  const parsed = madeOfSchema.safeParse(parseJson(await readFile(uri)));
  if (!parsed.success) throw notPacked(path, `its ${MADE_OF_FILE} is not one of this version`);
  return parsed.data;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

async function readLayer(uri: string): Promise<StoredLayer> {
  if (!(await fileExists(uri))) throw notPacked(uri, "there is no such file");
  return readStoredLayer(await readFile(uri), uri);
}

function notPacked(where: string, reason: string): TouchstoneError {
  return new TouchstoneError("InvalidModel", {
    what: `The folder has no packed layers: ${reason}`,
    where,
    todo: "Give a folder that `touchstone compress` wrote, or a cell of a study as STUDY/MODEL/METHOD/SOURCE-nN-setK.",
  });
}

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Model } from "../models/model.js";
import { createModelFolder } from "../models/write-folder.js";

/** Runs `work` with a folder of the model's weights in float32, as transformers reads it; it is removed afterwards. */
export async function withDenseFolder<T>(model: Model, work: (path: string) => Promise<T>): Promise<T> {
  const parent = await mkdtemp(join(tmpdir(), "touchstone-dense-"));
  try {
    const path = join(parent, "model");
    const folder = await createModelFolder(model, path, { dtype: "F32" });
    for (let block = 0; block < model.config.blocks; block++) await folder.writeBlock(block, await model.block(block));
    await folder.finish();
    return await work(path);
  } finally {
    await rm(parent, { recursive: true, force: true });
  }
}

import { openPackedCell } from "../../activities/packed-cell.js";
import { createProcessState } from "../../activities/process-state.js";
import { blockLinears } from "../../compression/linears.js";
import type { PackedModel } from "../../compression/packed-model.js";
import { loadModel } from "../../models/load.js";
import { cellName } from "../../study/names.js";
import type { CellResult } from "../../study/results.js";
import { manifestsOf } from "./observe.js";

// Compressed models as a study has stored them. Its objects lie under its name.

/** The results of a study's cells. */
export async function cellsOfStudy(study: string): Promise<CellResult[]> {
  return Array.from((await manifestsOf(study, "cell")).values(), ({ facts }) => facts as CellResult);
}

/** Lets `use` read the linears of a cell. */
export async function withStoredCell<T>(
  study: string,
  cell: CellResult,
  use: (packed: PackedModel) => Promise<T>,
): Promise<T> {
  const location = { bucket: process.env.TOUCHSTONE_BUCKET ?? "", prefix: study };
  const context = { state: createProcessState(), report: () => {}, signal: new AbortController().signal };
  const packed = await openPackedCell(`${study}/${cellName(cell)}`, location, context);
  try {
    return await use(packed);
  } finally {
    await packed.close();
  }
}

/** The linears of a cell whose bits aren't those of a model folder, and how many were compared. */
export function compareWithFolder(study: string, cell: CellResult, folder: string) {
  return withStoredCell(study, cell, async (packed) => {
    const direct = await loadModel(folder);
    const differing: string[] = [];
    let compared = 0;
    try {
      for (let block = 0; block < direct.config.blocks; block++) {
        const weights = await direct.block(block);
        for (const linear of blockLinears(direct, block).flat()) {
          const stored = (await packed.layer(block, linear)).compressed.weight;
          if (!sameBits(stored, weights.get(linear.name)?.data)) differing.push(linear.tensor);
          compared++;
        }
      }
    } finally {
      await direct.close();
    }
    return { compared, differing };
  });
}

function sameBits(one: Float32Array, other: Float32Array | undefined): boolean {
  const bytes = (values: Float32Array) => Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return other !== undefined && bytes(one).equals(bytes(other));
}

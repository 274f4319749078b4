import { describeLayers } from "../compression/compress-block.js";
import type { CompressedLayer } from "../compression/method.js";
import type { MethodSettings } from "../study/methods.js";
import type { CellTask } from "./cell-task.js";
import type { BlockCommit, CommittedBlock } from "./commit-block.js";
import { usesActivations } from "./derivations.js";
import type { Solution } from "./solution.js";

/** Has the store's thread encode and store a block. Its large arrays go there: the solution has them no more. */
export function commitSolution(
  { plan, cell, store, calibration }: CellTask,
  settings: MethodSettings,
  { solved, read }: Solution,
  derivation: unknown,
): Promise<CommittedBlock> {
  const layers = solved.layers.map((layer) => ({ ...layer, compressed: withWholeBuffers(layer.compressed) }));
  const model = plan.models[cell.model].digest;
  const commit: BlockCommit = {
    derivation,
    layers,
    described: describeLayers(layers),
    settings,
    // Of methods without data all sets' layers are the same object.
    inputs: usesActivations(cell) ? { model, calibration: calibration.facts.digest } : { model },
    seconds: { read, ...solved.seconds },
  };
  const buffers = new Set(layers.flatMap(({ compressed }) => buffersOf(compressed)));
  return store.run(new URL("./commit-block.js", import.meta.url), commit, [...buffers]);
}

/** What there is a value of for every weight. */
function withWholeBuffers({ weight, quantized, mask, ...rest }: CompressedLayer): CompressedLayer {
  return {
    ...rest,
    weight: whole(weight),
    ...(mask === undefined ? {} : { mask: whole(mask) }),
    ...(quantized === undefined
      ? {}
      : {
          quantized: {
            ...quantized,
            codes: whole(quantized.codes),
            ...(quantized.outliers === undefined ? {} : { outliers: whole(quantized.outliers) }),
          },
        }),
  };
}

function buffersOf({ weight, quantized, mask }: CompressedLayer): ArrayBuffer[] {
  const arrays = [weight, mask, quantized?.codes, quantized?.outliers].filter((array) => array !== undefined);
  return arrays.map(({ buffer }) => buffer as ArrayBuffer);
}

/** An array that is all of its buffer: others may have other parts of one. */
function whole<T extends Float32Array | Uint8Array>(array: T): T {
  return array.byteLength === array.buffer.byteLength ? array : (array.slice() as T);
}

import { availableParallelism, cpus } from "node:os";
import * as tf from "@tensorflow/tfjs-core";
import type { ModelConfig } from "../models/model.js";
import { loadBackend } from "../tensor/backend.js";
import type { BenchTable } from "./table.js";
import { fastest } from "./timing.js";

/** What the hardware gives: no computation of this project can be faster. */
export interface Machine {
  processor: string;
  cores: number;
  backend: string;
  threads: number;
  products: readonly { shape: string; gflops: number }[];
  /** The fastest of the products: the limit that others are held against. */
  gflops: number;
  /** Copying in ordinary memory, bytes read and written, one core. */
  copyGigabytes: number;
  /** Reading by a sum of float32, all threads. */
  readGigabytes: number;
}

const SQUARE = 2048;
/** Tokens that the project takes through a block at once. */
const TOKENS = 2048;
/** Beyond any cache. */
const COPIED_BYTES = 2 ** 28;

export async function measureMachine({
  hiddenSize,
  intermediateSize,
}: Pick<ModelConfig, "hiddenSize" | "intermediateSize">): Promise<Machine> {
  const { version, threads } = await loadBackend();
  const shapes = [
    [SQUARE, SQUARE, SQUARE],
    [TOKENS, hiddenSize, hiddenSize],
    [TOKENS, hiddenSize, intermediateSize],
    [TOKENS, intermediateSize, hiddenSize],
  ] as const;
  const distinct = new Map(
    shapes.map(([rows, inner, columns]) => [`${rows} x ${inner} x ${columns}`, { rows, inner, columns }]),
  );
  const products = Array.from(distinct, ([shape, { rows, inner, columns }]) => ({
    shape,
    gflops: productGflops(rows, inner, columns),
  }));
  return {
    processor: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    backend: version,
    threads,
    products,
    gflops: Math.max(...products.map(({ gflops }) => gflops)),
    copyGigabytes: copyRate(),
    readGigabytes: readRate(),
  };
}

/** [rows, inner] by [columns, inner] transposed, as linear layers have it. */
function productGflops(rows: number, inner: number, columns: number): number {
  const [x, weight] = [tf.randomUniform([rows, inner]), tf.randomUniform([columns, inner])];
  const seconds = fastest(() => finish(tf.matMul(x, weight, false, true)), { seconds: 1 });
  tf.dispose([x, weight]);
  return (2 * rows * inner * columns) / seconds / 1e9;
}

function copyRate(): number {
  const [from, to] = [new Float32Array(COPIED_BYTES / 4).fill(1), new Float32Array(COPIED_BYTES / 4)];
  return (2 * COPIED_BYTES) / fastest(() => to.set(from)) / 1e9;
}

function readRate(): number {
  const values = tf.ones([COPIED_BYTES / 4]);
  const seconds = fastest(() => finish(tf.sum(values)));
  values.dispose();
  return COPIED_BYTES / seconds / 1e9;
}

/** Waits for the device, by reading one value; the tensor is disposed. */
export function finish(tensor: tf.Tensor): void {
  const first = tf.tidy(() => tf.slice(tf.reshape(tensor, [-1]), 0, 1));
  first.dataSync();
  tf.dispose([first, tensor]);
}

export function showMachine(machine: Machine): BenchTable {
  const { products, copyGigabytes, readGigabytes, gflops } = machine;
  return {
    head: ["float32", "figure", "unit"],
    rows: [
      ...products.map((product) => [`matrix product ${product.shape}`, product.gflops.toFixed(1), "GFLOP/s"]),
      ["memory, copied by one core (read + written)", copyGigabytes.toFixed(1), "GB/s"],
      ["memory, read by a sum on all threads", readGigabytes.toFixed(1), "GB/s"],
    ],
    notes: [
      `${machine.processor}, ${machine.cores} cores; ${machine.backend}, ${machine.threads} threads`,
      `The limit that shares below refer to is the fastest product, ${gflops.toFixed(1)} GFLOP/s`,
    ],
  };
}

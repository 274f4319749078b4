import * as tf from "@tensorflow/tfjs-core";
import { type Attribute, type NativeBackend, nativeBackend } from "./native.js";

/** Rotary tables of a row of tokens, [tokens, rotaryDim] each, and how the heads lie. */
export interface FusedAttention {
  cos: Float32Array;
  signedSin: Float32Array;
  heads: number;
  keyValueHeads: number;
  /** Tokens that one sees at most, itself among them; null: all before it. */
  window: number | null;
  /** The token that each of the first tokens follows, -1 for none; without it each follows the one before. */
  parents?: Int32Array;
}

/** What a transformer block does beside its products, each in one pass over memory (fused-ops.cc). */
export interface FusedOps {
  rmsNorm<T extends tf.Tensor>(x: T, weight: tf.Tensor, eps: number): T;
  layerNorm<T extends tf.Tensor>(x: T, weight: tf.Tensor, bias: tf.Tensor, eps: number): T;
  /** silu(gate) * up, or with gelu in its approximation by tanh. */
  gate(gate: tf.Tensor3D, up: tf.Tensor3D, gelu: boolean): tf.Tensor3D;
  /**
   * What a log-softmax over the rows of logits [n, columns] is made of, at some places.
   * @param column, row int32 [targets] each
   * @returns [targets, 3]: the logit less the largest of its column; the sum of e^(logit - largest) over the column; and 1 where it
   *   is the largest, the first of equals
   */
  logSoftmax(logits: tf.Tensor2D, column: tf.Tensor1D, row: tf.Tensor1D): tf.Tensor2D;
  /**
   * Grouped-query attention with rotary embedding, each token over itself and those that it follows.
   * @param q [sequences, tokens, heads * headDim]
   * @param k, v [sequences, tokens, keyValueHeads * headDim]
   * @returns [sequences, tokens, heads * headDim]; zeros beyond `parents`
   */
  attention(q: tf.Tensor3D, k: tf.Tensor3D, v: tf.Tensor3D, options: FusedAttention): tf.Tensor3D;
}

/** Undefined where there are none: on a GPU and with WebAssembly the same is made of several operations. */
export function fusedOps(): FusedOps | undefined {
  const native = nativeBackend();
  return native === undefined || native.isUsingGpuDevice ? undefined : fusedOpsOf(native);
}

function fusedOpsOf(native: NativeBackend): FusedOps {
  const { TF_ATTR_FLOAT, TF_ATTR_INT } = native.binding;
  const run = <T extends tf.Tensor>(name: string, attributes: readonly Attribute[], inputs: readonly tf.Tensor[]) =>
    native.executeSingleOutput(`Touchstone${name}`, attributes, inputs) as T;
  return {
    rmsNorm: (x, weight, eps) => run("RmsNorm", [{ name: "epsilon", type: TF_ATTR_FLOAT, value: eps }], [x, weight]),
    layerNorm: (x, weight, bias, eps) =>
      run("LayerNorm", [{ name: "epsilon", type: TF_ATTR_FLOAT, value: eps }], [x, weight, bias]),
    gate: (gate, up, gelu) => run("Gate", [{ name: "gelu", type: TF_ATTR_INT, value: Number(gelu) }], [gate, up]),
    logSoftmax: (logits, column, row) => run("LogSoftmax", [], [logits, column, row]),
    attention: (q, k, v, { cos, signedSin, heads, keyValueHeads, window, parents = new Int32Array() }) => {
      const tokens = q.shape[1];
      const tables = [cos, signedSin].map((table) => tf.tensor2d(table, [tokens, table.length / tokens]));
      const attributes = [
        { name: "heads", type: TF_ATTR_INT, value: heads },
        { name: "key_value_heads", type: TF_ATTR_INT, value: keyValueHeads },
        { name: "window", type: TF_ATTR_INT, value: window ?? 0 },
      ];
      return run("Attention", attributes, [q, k, v, ...tables, tf.tensor1d(parents, "int32")]);
    },
  };
}

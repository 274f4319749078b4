import * as tf from "@tensorflow/tfjs-core";

/** The part of tfjs-node's backend that its typings leave out: it runs any of TensorFlow's operations by its name. */
export interface NativeBackend {
  readonly isUsingGpuDevice: boolean;
  readonly binding: Readonly<
    Record<"TF_ATTR_TYPE" | "TF_ATTR_BOOL" | "TF_ATTR_INT" | "TF_ATTR_FLOAT" | "TF_FLOAT", number>
  > & { readonly TF_Version: string };
  executeSingleOutput(name: string, attributes: readonly Attribute[], inputs: readonly tf.Tensor[]): tf.Tensor;
}

export interface Attribute {
  name: string;
  type: number;
  value: number | boolean;
}

/** Undefined where tensors are WebAssembly's. */
export function nativeBackend(): NativeBackend | undefined {
  return tf.getBackend() === "tensorflow" ? (tf.backend() as unknown as NativeBackend) : undefined;
}

/** How hidden states of calibration sequences rest between blocks and are stored; within a block all is float32. */
export const ACTIVATION_DTYPES = ["float32", "float16", "bfloat16"] as const;

export type ActivationDtype = (typeof ACTIVATION_DTYPES)[number];

/** Bytes of a value. */
export const ACTIVATION_BYTES: Readonly<Record<ActivationDtype, number>> = { float32: 4, float16: 2, bfloat16: 2 };

export const DEFAULT_ACTIVATION_DTYPE: ActivationDtype = "float32";

/** Of a study's `calibration`. */
export function activationDtypeOf({ activationDtype }: { activationDtype?: ActivationDtype }): ActivationDtype {
  return activationDtype ?? DEFAULT_ACTIVATION_DTYPE;
}

/** Of a sequence's number, with each token in the store. */
const NUMBER_BYTES = 4;

/** Bytes that a token's hidden state takes in the store. */
export function storedStateBytes(hiddenSize: number, dtype: ActivationDtype): number {
  return hiddenSize * ACTIVATION_BYTES[dtype] + NUMBER_BYTES;
}

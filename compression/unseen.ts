import type { MethodSettings, SettingsOf } from "../study/methods.js";
import type { CompressedLayer, Layer } from "./method.js";
import { methodOf } from "./registry.js";

/**
 * What becomes of linears whose input no calibration token reached, as it may be with experts: by the setting `unseen` they are left
 * dense, or compressed by the method's counterpart without data, with the same grid or pattern.
 */
export function compressUnseen(layers: readonly Layer[], settings: MethodSettings): CompressedLayer[] {
  const counterpart = counterpartOf(settings);
  if (counterpart === undefined) return layers.map(({ weight }) => ({ weight: weight.slice(), unseen: "dense" }));
  const { method } = counterpart;
  return methodOf(method)
    .compress(layers, { kind: "none" }, counterpart)
    .map((layer) => ({ ...layer, unseen: method }));
}

/** undefined: none, the layer stays as it is. */
function counterpartOf(settings: MethodSettings): SettingsOf<"rtn" | "magnitude"> | undefined {
  switch (settings.method) {
    case "gptq":
    case "spqr": {
      const { bits, groupSize, symmetric, mse } = { symmetric: false, mse: false, ...settings };
      return settings.unseen === "rtn" ? { method: "rtn", bits, groupSize, symmetric, mse } : undefined;
    }
    case "sparsegpt":
    case "wanda": {
      const { pattern, sparsity } = settings;
      return settings.unseen === "magnitude" ? { method: "magnitude", pattern, sparsity } : undefined;
    }
    case "rtn":
    case "magnitude":
      return settings;
  }
}

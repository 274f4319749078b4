import { TouchstoneError } from "../study/errors.js";
import { llama } from "./architectures/llama.js";
import type { Architecture } from "./model.js";

/** Every architecture: one file and one line. */
const architectures: readonly Architecture[] = [llama];

/** @throws TouchstoneError UnsupportedArchitecture, naming what is supported */
export function architectureOf(huggingFace: Readonly<Record<string, unknown>>, where: string): Architecture {
  const found = architectures.find(({ modelType }) => modelType === huggingFace.model_type);
  if (found !== undefined) return found;
  throw new TouchstoneError("UnsupportedArchitecture", {
    what: `Model type ${JSON.stringify(huggingFace.model_type)} is not supported`,
    where,
    todo: `Supported are: ${architectures.map(({ modelType }) => modelType).join(", ")}.`,
  });
}
